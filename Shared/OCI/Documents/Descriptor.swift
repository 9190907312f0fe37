public import Blobs

/// What the parts of an image are called.
public enum MediaType {
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    public static let index = "application/vnd.oci.image.index.v1+json"
    public static let configuration = "application/vnd.oci.image.config.v1+json"
    public static let layer = "application/vnd.oci.image.layer.v1.tar"
    public static let gzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
    public static let zstdLayer = "application/vnd.oci.image.layer.v1.tar+zstd"
    /// What Docker called them before there was a specification; the documents are the same.
    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    public static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    public static let dockerConfiguration = "application/vnd.docker.container.image.v1+json"
    public static let dockerGzipLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    public static let manifests: Set<String> = [manifest, dockerManifest]
    public static let indexes: Set<String> = [index, dockerList]
}

/// Points at a part of an image by the digest of its bytes.
public struct Descriptor: Hashable, Sendable {
    public var mediaType: String
    public var digest: BlobDigest
    public var size: Int64
    public var platform: Platform?
    public var annotations: [String: String]

    public init(
        mediaType: String, digest: BlobDigest, size: Int64, platform: Platform? = nil,
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.annotations = annotations
    }
}

/// The machine that an image runs on.
public struct Platform: Hashable, Sendable, CustomStringConvertible {
    public var operatingSystem: String
    public var architecture: String
    public var variant: String

    public init(operatingSystem: String = "linux", architecture: String, variant: String = "") {
        self.operatingSystem = operatingSystem
        self.architecture = architecture
        self.variant = variant
    }

    public var description: String {
        variant.isEmpty ? "\(operatingSystem)/\(architecture)" : "\(operatingSystem)/\(architecture)/\(variant)"
    }

    /// That of this program.
    public static var current: Platform {
        #if arch(arm64)
            Platform(architecture: "arm64", variant: "v8")
        #else
            Platform(architecture: "amd64")
        #endif
    }

    /// Whether an image for `other` runs here; a variant that is not said fits every one.
    public func accepts(_ other: Platform) -> Bool {
        operatingSystem == other.operatingSystem && architecture == other.architecture
            && (variant.isEmpty || other.variant.isEmpty || variant == other.variant)
    }
}
