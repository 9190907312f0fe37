public import Access
public import Blobs
public import Loop
public import OCI

/// Brings what an image stands on into the store.
public protocol BaseBringing: Sendable {
    /// - Parameters:
    ///   - reference: as `docker pull` takes it, or `oci:PATH`.
    ///   - workspace: whose credentials its registry is shown.
    /// - Throws: `BuildFailure` with codes that begin with `base.`; what the store throws.
    func bring(
        _ reference: String, for platform: Platform, in workspace: Workspace,
        progress: @escaping @Sendable (BuildProgress) async -> Void
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

/// Pulls bases with the workspace's credentials, and takes layouts from a folder of this machine.
public struct BaseBringer: BaseBringing {
    private static let documentBytesMax = 4 << 20

    private let images: ImageStore
    private let store: any BlobStore
    private let registries: RegistryClients
    private let layouts: String
    private let bytesMax: Int64
    private let pool: ComputePool

    /// - Parameters:
    ///   - images: what a workspace's images stand on already needs not come again.
    ///   - layouts: the folder below which `oci:PATH` may name layouts; empty where it may not.
    ///   - bytesMax: what a registry's image may have, compressed.
    ///   - pool: reads layouts.
    public init(
        _ images: ImageStore, store: any BlobStore, registries: RegistryClients, layouts: String,
        bytesMax: Int64 = .max, pool: ComputePool
    ) {
        self.images = images
        self.bytesMax = bytesMax
        self.store = store
        self.registries = registries
        self.layouts = layouts
        self.pool = pool
    }

    public func bring(
        _ reference: String, for platform: Platform, in workspace: Workspace,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> BroughtBase {
        let bases = BaseImages(
            store: store, client: registries.client(for: workspace),
            reuse: { [images] in try await images.held($0, in: workspace) }, bytesMax: bytesMax, layouts: layouts,
            pool: pool)
        let (base, pins): (BaseIngredient, [BlobPin])
        do {
            (base, pins) = try await registries.limited { try await bases.bring(reference, for: platform) }
        } catch let slow as RegistryTooSlow {
            throw BuildFailure("base.slow", "the base \(reference): \(slow)")
        }
        return BroughtBase(base: base, python: try await python(base.manifest), pins: pins)
    }

    /// Images of Python name its version in their variables; what they have otherwise is not looked for.
    private func python(_ descriptor: Descriptor) async throws -> String? {
        func document(_ digest: BlobDigest) async throws -> ArraySlice<UInt8> {
            try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: Self.documentBytesMax) }[...]
        }
        let configuration: ImageConfiguration
        do {
            let manifest = try Manifest(json: try await document(descriptor.digest))
            configuration = try ImageConfiguration(json: try await document(manifest.configuration.digest))
        } catch let error as OCIError {
            throw BuildFailure("base.damaged", error.message)
        }
        let prefix = "PYTHON_VERSION="
        guard let version = configuration.environment.last(where: { $0.hasPrefix(prefix) })?.dropFirst(prefix.count)
        else { return nil }
        let parts = version.split(separator: ".").prefix(2)
        guard parts.count == 2, parts.allSatisfy({ Int($0) != nil }) else { return nil }
        return parts.joined(separator: ".")
    }
}
