public import ServiceKit

/// What is kept of requests and answers, and where. Off by default.
public struct CollectionSettings: ConfigurationSection {
    public var rate = 0.0
    public var folder = ""
    public var service = "scorer"
    public var workspace = "default"
    public var records = 4096
    public var buffer = ByteCount.mebibytes(64)
    public var fileSize = ByteCount.mebibytes(64)
    public var elements = 10_000

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<CollectionSettings>) {
        keys.add("rate", \.rate, "the part of requests that is collected, 0 to 1")
        keys.add("folder", \.folder, "where collected rows are written, as modeldata/…; none, nowhere")
        keys.add("service", \.service, "the service's name in the path of collected rows")
        keys.add("workspace", \.workspace, "the workspace in the path of collected rows")
        keys.add("records", \.records, "requests that may wait to be written; more are dropped and counted")
        keys.add("buffer", \.buffer, "bytes of tensors that may wait to be written; more are dropped and counted")
        keys.add("file_size", \.fileSize, "a file that reached this size is followed by another")
        keys.add(
            "elements", \.elements, "the most elements of a tensor that are written; of a longer one only its shape")
    }
}
