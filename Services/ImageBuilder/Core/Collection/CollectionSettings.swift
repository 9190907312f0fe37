public import ServiceKit

/// How long things are kept that nobody uses.
public struct CollectionSettings: ConfigurationSection {
    public var images = Duration.seconds(7 * 86_400)
    public var layers = Duration.seconds(30 * 86_400)
    public var sources = Duration.seconds(86_400)
    public var blobs = Duration.seconds(86_400)
    public var interval = Duration.seconds(3600)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<CollectionSettings>) {
        keys.add("images", \.images, "how long deleted images are kept, and can be restored")
        keys.add("layers", \.layers, "how long layers and environments are remembered that no build takes up")
        keys.add("sources", \.sources, "how long source trees are kept that no build takes up")
        keys.add("blobs", \.blobs, "how long bytes are kept that nothing names")
        keys.add("interval", \.interval, "how often is looked for what nobody needs any more")
    }
}
