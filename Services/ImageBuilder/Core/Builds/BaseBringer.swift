public import Blobs
public import OCI
internal import Protobuf

/// Brings what an image stands on into the store.
public protocol BaseBringing: Sendable {
    /// - Parameter reference: as `docker pull` takes it, or `oci:PATH`.
    /// - Throws: `BuildFailure` with what is wrong with the base or its registry; `OCIError` `.unavailable` where another
    ///   try may go better; what the store throws.
    func bring(
        _ reference: String, for platform: Platform, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> BroughtBase
}

/// A base in the store; it stays there as long as the pins are held.
public struct BroughtBase: Sendable {
    public var base: BaseIngredient
    /// The Python that it says it has: `3.11`; nil where it says nothing.
    public var python: String?
    public var pins: [BlobPin]

    public init(base: BaseIngredient, python: String?, pins: [BlobPin]) {
        self.base = base
        self.python = python
        self.pins = pins
    }
}

/// Pulls bases over the distribution API, and takes OCI layouts from a folder of this machine.
public struct BaseBringer: BaseBringing {
    private let client: DistributionClient
    private let store: any BlobStore
    private let layouts: LayoutFolder?

    /// - Parameter layouts: where `oci:PATH` may lie; nil where none is taken.
    public init(_ client: DistributionClient, store: any BlobStore, layouts: LayoutFolder?) {
        self.client = client
        self.store = store
        self.layouts = layouts
    }

    public func bring(
        _ reference: String, for platform: Platform, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> BroughtBase {
        do {
            if reference.hasPrefix("oci:") {
                guard let layouts else {
                    throw BuildFailure(
                        "base.layout",
                        "this builder takes no layouts of its machine: its setting base.layouts names no folder")
                }
                return try await layouts.bring(String(reference.dropFirst(4)), for: platform, into: store)
            }
            await progress(BuildProgress(step: "base", message: "pulling \(reference)"))
            let image = try await client.pull(try ImageReference(reference), for: platform, into: store)
            let pin = try await store.put(image.manifestBytes, expecting: image.digest)
            let manifest = Descriptor(
                mediaType: image.manifest.mediaType, digest: image.digest, size: Int64(image.manifestBytes.count))
            return BroughtBase(
                base: BaseIngredient(reference: reference, manifest: manifest),
                python: BroughtBase.python(image.configuration), pins: image.pins + [pin])
        } catch let error as OCIError {
            switch error.code {
            case .unavailable: throw error
            case .notFound: throw BuildFailure("base.missing", error.message)
            case .unauthorised: throw BuildFailure("base.refused", error.message)
            default: throw BuildFailure("base.damaged", error.message)
            }
        }
    }
}

extension BroughtBase {
    /// Images of Python name its version in their variables; what they have otherwise is not looked for.
    static func python(_ configuration: ImageConfiguration) -> String? {
        let prefix = "PYTHON_VERSION="
        guard let version = configuration.environment.last(where: { $0.hasPrefix(prefix) })?.dropFirst(prefix.count)
        else { return nil }
        let parts = version.split(separator: ".").prefix(2)
        guard parts.count == 2, parts.allSatisfy({ Int($0) != nil }) else { return nil }
        return parts.joined(separator: ".")
    }
}
