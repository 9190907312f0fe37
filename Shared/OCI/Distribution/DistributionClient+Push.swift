public import Blobs
internal import Outbound

extension DistributionClient {
    /// What a push did.
    public struct Pushed: Sendable, Equatable {
        public var digest: BlobDigest
        /// Parts that travelled; the others were there.
        public var sentParts = 0
        public var sentBytes: Int64 = 0
    }

    /// Sends an image whose parts lie in a store to a registry: first the parts that it lacks, the manifest last, so that
    /// nobody ever sees half an image.
    ///
    /// - Throws: `OCIError`.
    public func push(
        _ manifestBytes: [UInt8], of manifest: Manifest, to reference: ImageReference, from store: any BlobStore,
        progress: @Sendable (_ part: Descriptor, _ bytes: Int64) -> Void = { _, _ in }
    ) async throws -> Pushed {
        var pushed = Pushed(digest: try BlobHasher.digest(manifestBytes))
        var seen: Set<BlobDigest> = []
        for part in manifest.layers + [manifest.configuration] where seen.insert(part.digest).inserted {
            let found = try await send("HEAD", reference, "blobs/\(part.digest)", accepted: [404], pushes: true)
            if found.status != 404 { continue }
            try await send(part, to: reference, from: store, progress)
            pushed.sentParts += 1
            pushed.sentBytes += part.size
        }
        let response = try await send(
            "PUT", reference, "manifests/\(reference.target)", headers: [("content-type", manifest.mediaType)],
            body: .bytes(manifestBytes), pushes: true)
        if let named = response.header("docker-content-digest"), named != "\(pushed.digest)" {
            throw OCIError(.corrupt, "\(reference.registry) took the image as \(named) instead of \(pushed.digest)")
        }
        return pushed
    }

    private func send(
        _ part: Descriptor, to reference: ImageReference, from store: any BlobStore,
        _ progress: @Sendable (Descriptor, Int64) -> Void
    ) async throws {
        let begun = try await send("POST", reference, "blobs/uploads/", pushes: true)
        guard let location = begun.header("location") else {
            throw OCIError(.malformed, "\(reference.registry) began an upload and doesn't say where")
        }
        let separator = location.contains("?") ? "&" : "?"
        let reader = try await store.open(part.digest)
        defer { reader.release() }
        let position = LayerPosition(reader)
        _ = try await send(
            "PUT", reference, location + separator + "digest=" + percentEncoded("\(part.digest)"),
            headers: [("content-type", "application/octet-stream")],
            body: .stream(size: part.size) { try await position.next() }, pushes: true)
        progress(part, part.size)
    }
}

/// Where in a blob its sender stands. Asked by one task at a time.
private actor LayerPosition {
    private let reader: any BlobReader
    private var offset: Int64 = 0

    init(_ reader: any BlobReader) { self.reader = reader }

    func next() async throws -> ArraySlice<UInt8>? {
        let end = min(offset + (1 << 20), reader.info.size)
        guard end > offset else { return nil }
        let bytes = try await reader.read(offset..<end)
        offset = end
        return bytes[...]
    }
}
