public import Blobs
public import Contracts

/// An image as it is kept: what callers see of it, and what they don't.
public struct StoredImage: Sendable {
    /// Its number in the database.
    public let id: Int64
    public let image: Slipway.Images.V1.Image
    /// Of its manifest.
    public let digest: BlobDigest
    /// Whether its Python is the base image's.
    public let usesBasePython: Bool

    public init(id: Int64, image: Slipway.Images.V1.Image, digest: BlobDigest, usesBasePython: Bool) {
        self.id = id
        self.image = image
        self.digest = digest
        self.usesBasePython = usesBasePython
    }

    /// As people name it.
    public var name: String { "\(image.name):\(image.version)" }
}
