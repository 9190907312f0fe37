public import Blobs
internal import Outbound

extension DistributionClient {
    /// The largest manifest that is read.
    static var manifestBytesMax: Int { 4 << 20 }
    /// Nothing mounts more of them, and each is held open.
    static var layersMax: Int { 500 }

    /// The bytes of a manifest or an index, with their kind; compared with the digest where one was asked for.
    ///
    /// - Throws: `OCIError`.
    public func manifest(_ reference: ImageReference) async throws -> (bytes: [UInt8], mediaType: String) {
        let kinds = (MediaType.manifests.sorted() + MediaType.indexes.sorted()).joined(separator: ", ")
        let response = try await send(
            "GET", reference, "manifests/\(reference.target)", headers: [("accept", kinds)])
        let bytes: [UInt8]
        do {
            bytes = try await response.body.collect(upTo: Self.manifestBytesMax)
        } catch let error as OutboundError {
            throw OCIError(error, reference.registry)
        }
        let digest = try BlobHasher.digest(bytes)
        guard reference.digest == nil || reference.digest == digest else {
            throw OCIError(.corrupt, "\(reference.registry) gave other bytes than \(reference.target): \(digest)")
        }
        if let named = response.header("docker-content-digest"), named.hasPrefix("sha256:"), named != "\(digest)" {
            throw OCIError(.corrupt, "\(reference.registry) says \(named), and gives the bytes of digest \(digest)")
        }
        let kind = response.header("content-type").map { String($0.prefix { $0 != ";" }) } ?? MediaType.manifest
        return (bytes, kind)
    }

    /// Which of these parts may be taken out of the store, where it has them, without their bytes having come.
    public typealias Reuse = @Sendable (_ parts: [BlobDigest]) async throws -> Set<BlobDigest>

    /// Brings an image for a platform into a store.
    ///
    /// - Parameter reuse: whoever runs a registry can name any digest in a manifest, also that of what somebody else has
    ///   in the same store. A part counts as there only where this says so; of others the registry has to have the bytes.
    /// - Parameter bytesMax: what all parts may have together.
    /// - Returns: its manifest, and pins on all of its parts.
    /// - Throws: `OCIError`; `.corrupt` where the registry gives other bytes than it named.
    public func pull(
        _ reference: ImageReference, for platform: Platform, into store: any BlobStore,
        reuse: Reuse = { _ in [] }, bytesMax: Int64 = .max,
        progress: @Sendable (_ part: Descriptor, _ bytes: Int64) -> Void = { _, _ in }
    ) async throws -> PulledImage {
        var (bytes, kind) = try await manifest(reference)
        var reference = reference
        if MediaType.indexes.contains(kind) {
            reference.digest = try ImageIndex(json: bytes[...]).manifest(for: platform).digest
            (bytes, kind) = try await manifest(reference)
        }
        guard MediaType.manifests.contains(kind) else {
            throw OCIError(.unsupported, "\(reference) is a \(kind), and no image")
        }
        let manifest = try Manifest(json: bytes[...])
        var pins: [BlobPin] = []
        let parts = [manifest.configuration] + manifest.layers
        guard manifest.layers.count <= Self.layersMax else {
            throw OCIError(.tooLarge, "\(reference) has \(manifest.layers.count) layers; \(Self.layersMax) at most")
        }
        var bytesLeft = bytesMax
        for part in parts {
            guard part.size >= 0, part.size <= bytesLeft else {
                throw OCIError(.tooLarge, "\(reference) has more than \(bytesMax) bytes")
            }
            bytesLeft -= part.size
        }
        let reusable = try await reuse(parts.map(\.digest))
        for part in parts {
            if reusable.contains(part.digest), let pin = try? await store.pin(part.digest) {
                pins.append(pin)
                continue
            }
            pins.append(try await fetch(part, of: reference, into: store) { progress(part, $0) })
        }
        let description = try await store.withBlob(manifest.configuration.digest) {
            try await $0.verifiedBytes(upTo: Self.manifestBytesMax)
        }
        let configuration = try ImageConfiguration(json: description[...])
        guard platform.accepts(configuration.platform) else {
            throw OCIError(.notFound, "\(reference) is for \(configuration.platform), not for \(platform)")
        }
        guard configuration.layerContents.count == manifest.layers.count else {
            throw OCIError(
                .corrupt,
                "\(reference) has \(manifest.layers.count) layers and says \(configuration.layerContents.count)")
        }
        let name = try BlobHasher.digest(bytes)
        return PulledImage(
            digest: name, manifest: manifest, manifestBytes: bytes, configuration: configuration, pins: pins)
    }

    private func fetch(
        _ part: Descriptor, of reference: ImageReference, into store: any BlobStore,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> BlobPin {
        let response: OutboundResponse
        do { response = try await send("GET", reference, "blobs/\(part.digest)") } catch let error as OCIError
            where error.code == .notFound
        {
            throw OCIError(.corrupt, "\(reference.registry) names \(part.digest), and does not have it")
        }
        let upload = try await store.beginUpload()
        do {
            for try await piece in response.body {
                // A registry that lies about a size must not fill the disk.
                guard upload.offset + Int64(piece.count) <= part.size else {
                    throw OCIError(
                        .corrupt, "\(reference.registry) sends more than the \(part.size) bytes of \(part.digest)")
                }
                try await upload.append(piece, at: upload.offset)
                progress(Int64(piece.count))
            }
            return try await upload.finish(expecting: part.digest)
        } catch {
            try? await upload.cancel()
            switch error {
            case let error as OutboundError: throw OCIError(error, reference.registry)
            case let error as BlobError where error.code == .digestMismatch:
                throw OCIError(.corrupt, "\(reference.registry) gave other bytes than \(part.digest)")
            default: throw error
            }
        }
    }
}

/// An image whose parts lie in a store; they stay there as long as this is held.
public struct PulledImage: Sendable {
    public let digest: BlobDigest
    public let manifest: Manifest
    /// As they came: their digest is the image's name.
    public let manifestBytes: [UInt8]
    public let configuration: ImageConfiguration
    public let pins: [BlobPin]
}
