/// What an image consists of: its configuration and its layers, lowest first.
public struct Manifest: Hashable, Sendable {
    public var mediaType: String
    public var configuration: Descriptor
    public var layers: [Descriptor]
    public var annotations: [String: String]

    public init(
        mediaType: String = MediaType.manifest, configuration: Descriptor, layers: [Descriptor],
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.configuration = configuration
        self.layers = layers
        self.annotations = annotations
    }
}

/// Several manifests, each for another platform or under another name.
public struct ImageIndex: Hashable, Sendable {
    public var mediaType: String
    public var manifests: [Descriptor]
    public var annotations: [String: String]

    public init(
        mediaType: String = MediaType.index, manifests: [Descriptor], annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.manifests = manifests
        self.annotations = annotations
    }

    /// The manifest for a platform.
    /// - Throws: `OCIError` `.notFound`, naming the platforms that there are.
    public func manifest(for platform: Platform) throws(OCIError) -> Descriptor {
        let images = manifests.filter { MediaType.manifests.contains($0.mediaType) }
        if let found = images.first(where: { $0.platform.map(platform.accepts) ?? false }) { return found }
        // An index of one image that doesn't say what it runs on.
        if images.count == 1, let only = images.first, only.platform == nil { return only }
        let offered = images.compactMap(\.platform).filter { $0.operatingSystem != "unknown" }.map(\.description)
        throw OCIError(
            .notFound,
            offered.isEmpty
                ? "the index names no image" : "no image for \(platform); there are \(offered.joined(separator: ", "))")
    }
}
