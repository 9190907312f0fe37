public import Access
public import Blobs
internal import OCI

/// Which images there are, as those see them who fetch one: by workspace and name, deleted ones left out.
public protocol ImageCatalogue: Sendable {
    /// Nil where there is none.
    func image(_ name: String, _ target: ImageTarget, in workspace: Workspace) async throws -> CataloguedImage?

    /// Whether an image of that name has the blob: its manifest, configuration, or one of its layers.
    func holds(_ blob: BlobDigest, _ name: String, in workspace: Workspace) async throws -> Bool

    /// By what an image of that name can be asked for: numbers, aliases and `latest`, in the order of their bytes. Nil where
    /// no image has the name.
    func tags(_ name: String, in workspace: Workspace, after: String?, limit: Int) async throws -> [String]?

    /// Names that have images, by workspace and name, in the order of their bytes.
    func names(
        in workspaces: [Workspace], after: CataloguedName?, limit: Int
    ) async throws -> [CataloguedName]
}

/// How one version among an image's is meant.
public enum ImageTarget: Hashable, Sendable {
    case latest
    case version(Int32)
    case alias(String)
    case digest(BlobDigest)

    /// What follows the colon, or the `@`. Nil for what is nothing of that.
    public init?(_ reference: String) {
        if let digest = BlobDigest(reference) {
            self = .digest(digest)
        } else if reference == "latest" {
            self = .latest
        } else if !reference.isEmpty, reference.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // One version has one number: no leading zeros.
            guard let number = Int32(reference), number > 0, "\(number)" == reference else { return nil }
            self = .version(number)
        } else if ImageReference.isTag(reference) {
            self = .alias(reference)
        } else {
            return nil
        }
    }
}

/// A version of an image.
public struct CataloguedImage: Hashable, Sendable {
    public var name: String
    public var version: Int32
    /// Of its manifest.
    public var digest: BlobDigest

    public init(name: String, version: Int32, digest: BlobDigest) {
        self.name = name
        self.version = version
        self.digest = digest
    }
}

/// An image's name with its workspace's.
public struct CataloguedName: Hashable, Sendable, CustomStringConvertible {
    public var workspace: String
    public var name: String

    public init(workspace: String, name: String) {
        self.workspace = workspace
        self.name = name
    }

    public var description: String { "\(workspace)/\(name)" }
}
