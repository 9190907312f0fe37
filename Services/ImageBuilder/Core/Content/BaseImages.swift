public import Blobs
internal import Glibc
public import Loop
public import OCI

/// Brings what images stand on into a store: out of a registry, or out of a layout on this machine. Usable by any number of
/// tasks.
public struct BaseImages: Sendable {
    private let store: any BlobStore
    private let client: DistributionClient?
    private let reuse: DistributionClient.Reuse
    private let bytesMax: Int64
    private let layouts: String
    private let pool: ComputePool

    /// - Parameters:
    ///   - client: asks registries; nil where none may be asked.
    ///   - reuse: what of a registry's image need not come again, because whoever builds has it already.
    ///   - bytesMax: what a registry's image may have, compressed.
    ///   - layouts: the folder below which `oci:PATH` may name layouts; empty where it may not.
    ///   - pool: reads layouts.
    public init(
        store: any BlobStore, client: DistributionClient?, reuse: @escaping DistributionClient.Reuse = { _ in [] },
        bytesMax: Int64 = .max, layouts: String, pool: ComputePool
    ) {
        self.store = store
        self.client = client
        self.reuse = reuse
        self.bytesMax = bytesMax
        self.layouts = layouts
        self.pool = pool
    }

    /// Brings what isn't there yet.
    /// - Parameter reference: as `docker pull` takes it, or `oci:PATH`, where a tag may follow a colon.
    /// - Returns: the base, and pins on all of its parts.
    /// - Throws: `BuildFailure` with codes that begin with `base.`; what the store throws.
    public func bring(
        _ reference: String, for platform: Platform,
        progress: @escaping @Sendable (_ part: Descriptor, _ bytes: Int64) -> Void = { _, _ in }
    ) async throws -> (base: BaseIngredient, pins: [BlobPin]) {
        do {
            if reference.hasPrefix("oci:") {
                return try await layout(reference, for: platform)
            }
            return try await pull(reference, for: platform, progress)
        } catch let error as OCIError {
            throw BuildFailure(Self.code(error), "the base \(reference): \(error.message)")
        }
    }

    private static func code(_ error: OCIError) -> String {
        switch error.code {
        case .malformed: "base.reference"
        case .notFound: "base.missing"
        case .unauthorised, .denied: "base.unauthorised"
        case .unavailable, .throttled, .resources: "base.unavailable"
        case .unsupported, .refused: "base.unsupported"
        case .corrupt, .unsafe: "base.damaged"
        case .tooLarge: "base.size"
        }
    }

    private func pull(
        _ text: String, for platform: Platform,
        _ progress: @escaping @Sendable (_ part: Descriptor, _ bytes: Int64) -> Void
    ) async throws -> (base: BaseIngredient, pins: [BlobPin]) {
        guard let client else {
            throw BuildFailure("base.unavailable", "this builder asks no registries, and can't bring \(text)")
        }
        var reference = try ImageReference(text)
        let (bytes, kind) = try await client.manifest(reference)
        // What was found stays what it is, also where its tag moves meanwhile.
        reference.digest = try BlobHasher.digest(bytes)
        let image: PulledImage
        do {
            image = try await client.pull(
                reference, for: platform, into: store, reuse: reuse, bytesMax: bytesMax, progress: progress)
        } catch let error as OCIError where error.code == .notFound {
            // The manifest is there: what is not is an image for the platform.
            throw BuildFailure("base.platform", error.message)
        }
        let pin = try await store.put(image.manifestBytes)
        let isIndex = MediaType.indexes.contains(kind)
        let manifest = Descriptor(
            mediaType: isIndex ? image.manifest.mediaType : kind, digest: image.digest,
            size: Int64(image.manifestBytes.count), platform: image.configuration.platform)
        return (BaseIngredient(reference: text, manifest: manifest), image.pins + [pin])
    }

    private func layout(
        _ text: String, for platform: Platform
    ) async throws -> (base: BaseIngredient, pins: [BlobPin]) {
        guard !layouts.isEmpty else {
            throw BuildFailure("base.layout", "this builder takes no layouts of its machine: \(text)")
        }
        var path = String(text.dropFirst(4))
        var tag: String?
        if let colon = path.lastIndex(of: ":"), ImageReference.isTag(path[path.index(after: colon)...]) {
            tag = String(path[path.index(after: colon)...])
            path = String(path[..<colon])
        }
        // Nothing is said of what is elsewhere, not even whether it is there.
        guard !path.split(separator: "/").contains("..") else {
            throw BuildFailure("base.layout", "\(text) leads out of the folder of layouts, the only place for them")
        }
        let folder = ImageLayoutFolder(
            path.hasPrefix("/") ? path : "\(layouts)/\(path)", below: layouts, pool: pool)
        let index = try ImageIndex(json: try await folder.bytes("index.json")[...])
        var descriptor = try Self.choose(index, tag, platform, text)
        while MediaType.indexes.contains(descriptor.mediaType) {
            let nested = try ImageIndex(json: try await folder.bytes(descriptor)[...])
            descriptor = try Self.choose(nested, nil, platform, text)
        }
        let bytes = try await folder.bytes(descriptor)
        let manifest = try Manifest(json: bytes[...])
        let described = try await folder.bytes(manifest.configuration)
        let configuration = try ImageConfiguration(json: described[...])
        guard platform.accepts(configuration.platform) else {
            throw BuildFailure("base.platform", "\(text) is for \(configuration.platform), not for \(platform)")
        }
        var pins = [try await store.put(bytes), try await store.put(described)]
        for layer in manifest.layers {
            if let pin = try? await store.pin(layer.digest) {
                pins.append(pin)
            } else {
                pins.append(try await folder.copy(layer, into: store))
            }
        }
        descriptor.annotations = [:]
        descriptor.platform = configuration.platform
        return (BaseIngredient(reference: text, manifest: descriptor), pins)
    }

    /// An image, or the index that holds one.
    private static func choose(
        _ index: ImageIndex, _ tag: String?, _ platform: Platform, _ text: String
    ) throws -> Descriptor {
        var candidates = index.manifests
        if let tag {
            candidates = candidates.filter { $0.annotations["org.opencontainers.image.ref.name"] == tag }
            if candidates.isEmpty {
                throw BuildFailure("base.missing", "\(text): the layout has no image of that name")
            }
        }
        if candidates.count == 1, let only = candidates.first { return only }
        do {
            return try ImageIndex(manifests: candidates).manifest(for: platform)
        } catch {
            throw BuildFailure("base.platform", "\(text): \(error.message)")
        }
    }
}
