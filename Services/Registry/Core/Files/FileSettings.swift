public import ServiceKit

/// What files may cost.
public struct FileSettings: ConfigurationSection {
    public var sizeLimit = ByteCount.gibibytes(1024)
    public var uploadsAtOnce = 64
    public var uploadsBegun = 10_000
    public var keep = Duration.seconds(86_400)
    public var collectionInterval = Duration.seconds(3600)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<FileSettings>) {
        keys.add("size_limit", \.sizeLimit, "how large one file of a model may be")
        keys.add(
            "uploads_at_once", \.uploadsAtOnce, "how many uploads of one workspace may be sent to at the same time")
        keys.add("uploads_begun", \.uploadsBegun, "how many uploads of one workspace may be begun and not done")
        keys.add("keep", \.keep, "how long uploads and blobs that no version names are kept")
        keys.add("collection_interval", \.collectionInterval, "how often is looked for what nobody needs any more")
    }
}
