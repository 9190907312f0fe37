public import Blobs
internal import Outbound

extension DistributionClient {
    /// What a push is asked to do besides.
    public struct PushOptions: Sendable {
        /// Repositories of the same registry that may have some of the parts: those it is asked to take from there, without
        /// a byte of them travelling.
        public var mountSources: [String] = []

        public init(mountSources: [String] = []) { self.mountSources = mountSources }
    }

    /// What a push did.
    public struct Pushed: Sendable, Equatable {
        public var digest: BlobDigest
        /// Parts that travelled; the others were there.
        public var sentParts = 0
        public var sentBytes: Int64 = 0
        /// Parts that the registry took from another of its repositories.
        public var mountedParts = 0
    }

    /// Sends an image whose parts lie in a store to a registry: first the parts that it lacks, the manifest last, so that
    /// nobody ever sees half an image. A part that broke off for a passing reason is sent again.
    ///
    /// - Parameter progress: hears of each part how many of its bytes went out since it was told last, or all of them where
    ///   the part was there; a part that is sent again is told again, with what went out before as a negative number.
    /// - Throws: `OCIError`, and what the store throws.
    public func push(
        _ manifestBytes: [UInt8], of manifest: Manifest, to reference: ImageReference, from store: any BlobStore,
        options: PushOptions = PushOptions(),
        progress: @escaping @Sendable (_ part: Descriptor, _ bytes: Int64) -> Void = { _, _ in }
    ) async throws -> Pushed {
        var pushed = Pushed(digest: try BlobHasher.digest(manifestBytes))
        var seen: Set<BlobDigest> = []
        for part in manifest.layers + [manifest.configuration] where seen.insert(part.digest).inserted {
            let found = try await send("HEAD", reference, "blobs/\(part.digest)", accepted: [404], pushes: true)
            if found.status != 404 {
                guard found.header("content-length").flatMap(Int64.init).map({ $0 == part.size }) != false else {
                    throw OCIError(
                        .corrupt,
                        "\(reference.registry) has something else than the \(part.size) bytes of \(part.digest)")
                }
                progress(part, part.size)
                continue
            }
            if try await send(part, to: reference, from: store, options, progress) {
                pushed.mountedParts += 1
            } else {
                pushed.sentParts += 1
                pushed.sentBytes += part.size
            }
        }
        let response = try await send(
            "PUT", reference, "manifests/\(reference.target)", headers: [("content-type", manifest.mediaType)],
            body: .bytes(manifestBytes), pushes: true)
        if let named = response.header("docker-content-digest"), named != "\(pushed.digest)" {
            throw OCIError(.corrupt, "\(reference.registry) took the image as \(named) instead of \(pushed.digest)")
        }
        return pushed
    }

    /// - Returns: whether the registry had it elsewhere.
    private func send(
        _ part: Descriptor, to reference: ImageReference, from store: any BlobStore, _ options: PushOptions,
        _ progress: @escaping @Sendable (Descriptor, Int64) -> Void
    ) async throws -> Bool {
        var triesLeft = settings.retriesMax
        var delay = settings.retryDelay
        while true {
            let position = LayerPosition(try await store.open(part.digest)) { progress(part, $0) }
            do {
                return try await attempt(part, to: reference, position, options)
            } catch let error as OCIError where [.unavailable, .throttled].contains(error.code) && triesLeft > 0 {
                await position.takeBack()
                triesLeft -= 1
                try await client.loop.sleep(for: delay)
                delay *= 2
            }
        }
    }

    private func attempt(
        _ part: Descriptor, to reference: ImageReference, _ position: LayerPosition, _ options: PushOptions
    ) async throws -> Bool {
        defer { position.release() }
        var path = "blobs/uploads/"
        if let source = options.mountSources.first(where: { $0 != reference.repository }) {
            path += "?mount=\(percentEncoded("\(part.digest)"))&from=\(percentEncoded(source))"
        }
        let begun = try await send("POST", reference, path, pushes: true)
        if begun.status == 201, path.contains("?mount=") {
            await position.skip()
            return true
        }
        guard let location = begun.header("location") else {
            throw OCIError(.malformed, "\(reference.registry) began an upload and doesn't say where")
        }
        let separator = location.contains("?") ? "&" : "?"
        _ = try await send(
            "PUT", reference, location + separator + "digest=" + percentEncoded("\(part.digest)"),
            headers: [("content-type", "application/octet-stream")],
            body: .stream(size: part.size) { try await position.next() }, pushes: true)
        return false
    }
}

/// Where in a blob its sender stands. Asked by one task at a time.
private actor LayerPosition {
    private let reader: any BlobReader
    private let progress: @Sendable (Int64) -> Void
    private var offset: Int64 = 0

    init(_ reader: any BlobReader, _ progress: @escaping @Sendable (Int64) -> Void) {
        self.reader = reader
        self.progress = progress
    }

    func next() async throws -> ArraySlice<UInt8>? {
        let end = min(offset + (1 << 20), reader.info.size)
        guard end > offset else { return nil }
        let bytes = try await reader.read(offset..<end)
        offset = end
        progress(Int64(bytes.count))
        return bytes[...]
    }

    /// Nothing of it has to travel.
    func skip() { progress(reader.info.size) }

    /// It broke off.
    func takeBack() { if offset > 0 { progress(-offset) } }

    nonisolated func release() { reader.release() }
}
