public import ServiceKit

/// What a source tree may be.
public struct SourceLimits: ConfigurationSection {
    public var bytes = ByteCount(300 * 1024 * 1024)
    public var files = 2000

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<SourceLimits>) {
        keys.add("bytes", \.bytes, "the most bytes of a source tree")
        keys.add("files", \.files, "the most files of a source tree")
    }
}
