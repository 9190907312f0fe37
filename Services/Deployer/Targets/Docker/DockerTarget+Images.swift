internal import Blobs
internal import HTTP
internal import OCI

extension DockerTarget {
    /// What this installation calls the images that it brought: by it they are found again when nobody needs them.
    var imageName: String { "slipway.local/\(imageRepository)" }

    private var imageRepository: String {
        if ImageReference.isRepository(settings.suite) { return settings.suite }
        let digest = try? BlobHasher.digest(Array(settings.suite.utf8))
        return "suite-\(digest?.hexadecimal.prefix(32) ?? "unknown")"
    }

    private func tag(of digest: String) throws(TargetError) -> String {
        guard let digest = BlobDigest(digest[...]) else {
            throw TargetError(.unusableImage, "`\(digest.prefix(100))` is no digest of an image")
        }
        return digest.hexadecimal
    }

    public func prepare(
        _ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void
    ) async throws(TargetError) {
        guard !(image.configuration.entryPoint + image.configuration.command).isEmpty else {
            throw TargetError(.unusableImage, "the image \(image.name) says of no program that it is its entry point")
        }
        let tag = try tag(of: image.digest)
        let facts = try await asked("the engine can't be used") { () async throws(EngineError) in
            try await engine.facts()
        }
        let platform = image.configuration.platform
        guard platform.operatingSystem == facts.operatingSystem,
            platform.architecture == facts.architecture || facts.architecture.isEmpty
        else {
            throw TargetError(
                .unusableImage,
                "the image \(image.name) is for \(platform), and the engine runs \(facts.operatingSystem)/\(facts.architecture)"
            )
        }
        var size = image.manifest.layers.reduce(0) { $0 + $1.size }
        let doing = "the image \(image.name) can't be brought to \(engine.address)"
        if try await asked(doing, { () async throws(EngineError) in try await find(image, tag) }) == nil {
            size = try await load(image, tag, progress)
            guard try await asked(doing, { () async throws(EngineError) in try await find(image, tag) }) != nil else {
                throw TargetError(.failed, "\(doing): it took the archive and does not have the image")
            }
        }
        progress(PreparationProgress(doneBytes: size, totalBytes: size))
    }

    /// What the engine calls an image that it has, and that it has under our name then; nil where it has not.
    ///
    /// Engines name images by their configuration, or by their manifest where their store is containerd's.
    func find(_ image: LocalImage, _ tag: String) async throws(EngineError) -> String? {
        let known = ["\(image.manifest.configuration.digest)", image.digest]
        let tagged = try await unlessGone { () async throws(EngineError) in
            try await engine.call(.get, "/images/\(imageName):\(tag)/json").value()["Id"].text
        }
        if let found = tagged ?? nil, known.contains(Self.identity(found)) { return found }
        for name in known {
            let found = try await unlessGone { () async throws(EngineError) in
                try await engine.call(.get, "/images/\(name)/json").value()["Id"].text
            }
            guard let found = found ?? nil, known.contains(Self.identity(found)) else { continue }
            let named: Void? = try await unlessGone { () async throws(EngineError) in
                try await engine.call(.post, "/images/\(found)/tag", ["repo": imageName, "tag": tag])
            }
            if named != nil { return found }
        }
        return nil
    }

    /// Nil for an image that is not there, or not for much longer: several installations may have the same one.
    private func unlessGone<Result>(
        _ body: () async throws(EngineError) -> Result
    ) async throws(EngineError) -> Result? {
        do { return try await unlessMissing(body) } catch {
            if error.isBeingRemoved { return nil }
            throw error
        }
    }

    /// podman leaves out which kind of digest it is.
    private static func identity(_ text: String) -> String { text.contains(":") ? text : "sha256:\(text)" }

    /// The image's name at the engine, brought there where it is not.
    func present(_ image: LocalImage) async throws(TargetError) -> String {
        let tag = try tag(of: image.digest)
        let doing = "the image \(image.name) can't be looked up at \(engine.address)"
        for _ in 0..<2 {
            let found = try await asked(doing) { () async throws(EngineError) in try await find(image, tag) }
            if let found { return found }
            try await prepare(image) { _ in }
        }
        throw TargetError(.failed, "the image \(image.name) went away again as soon as it was at \(engine.address)")
    }

    /// - Returns: how many bytes that were.
    private func load(
        _ image: LocalImage, _ tag: String, _ progress: @escaping @Sendable (PreparationProgress) -> Void
    ) async throws(TargetError) -> Int64 {
        let doing = "the image \(image.name) can't be brought to \(engine.address)"
        do {
            guard let digest = BlobDigest(image.digest) else {
                throw OCIError(.malformed, "\(image.digest) is no digest")
            }
            let manifest = try await image.store.withBlob(digest) { try await $0.verifiedBytes(upTo: 4 << 20) }
            let archive = ImageArchive(
                manifest, of: image.manifest,
                name: ImageReference(registry: "slipway.local", repository: imageRepository, tag: tag),
                from: image.store)
            let size = try archive.size
            let pieces = CountedPieces(pieces: archive.pieces) { count in
                progress(PreparationProgress(doneBytes: count, totalBytes: size))
            }
            let said = try await engine.stream(
                .post, "/images/load", ["quiet": "true"], .stream(pieces, length: Int(size)), type: "application/x-tar",
                deadline: .seconds(3600)
            ) { body in try await Self.complaint(in: body) }
            if let said { throw EngineError(.refused(400), said) }
            return size
        } catch let error as EngineError {
            guard case .refused = error.kind, !error.isShortage else { throw error.asTargetError(doing) }
            throw TargetError(.unusableImage, "\(doing): \(error)")
        } catch let error as TargetError {
            throw error
        } catch is CancellationError {
            throw TargetError(.failed, "\(doing): it was given up")
        } catch {
            let isDamaged =
                (error as? BlobError).map { [.corrupt, .notFound].contains($0.code) } ?? (error is OCIError)
            throw TargetError(isDamaged ? .unusableImage : .failed, "\(doing): \(error)")
        }
    }

    /// What an engine says has gone wrong, after it has said that all is well.
    private static func complaint(in body: HTTPBody) async throws -> String? {
        var lines = LineSplitter(limit: 1 << 20)
        var complaint: String?
        func look(_ line: [UInt8]) {
            // What is no JSON is said for people.
            guard let said = try? EngineValue(json: line[...]) else { return }
            complaint = complaint ?? said["errorDetail"]["message"].text ?? said["error"].text
        }
        for try await piece in body { lines.add(piece).forEach(look) }
        look(lines.take())
        return complaint
    }

    public func keepImages(_ digests: Set<String>) async throws(TargetError) {
        let kept = Set(digests.compactMap { BlobDigest($0[...])?.hexadecimal })
        try await asked("images can't be tidied up at \(engine.address)") { () async throws(EngineError) in
            let filter: EngineValue = ["reference": [.text(imageName)]]
            let images = try await engine.call(
                .get, "/images/json", ["filters": String(decoding: filter.json, as: UTF8.self)]
            ).value(keeping: ["RepoTags"])
            for reference in images.items.flatMap({ $0["RepoTags"].items }).compactMap(\.text) {
                guard reference.hasPrefix("\(imageName):"),
                    !kept.contains(String(reference.dropFirst(imageName.count + 1)))
                else { continue }
                // Somebody may be quicker, or a replica have it.
                _ = try await unless({ $0.isMissing || $0.isConflict }) { () async throws(EngineError) in
                    try await engine.call(.delete, "/images/\(reference)", deadline: .seconds(300))
                }
            }
            try await tidyUp()
        }
    }
}

/// Tells how much of a sequence was taken.
private struct CountedPieces: AsyncSequence, Sendable {
    typealias Element = ArraySlice<UInt8>
    typealias Failure = any Error

    let pieces: ImageArchive.Pieces
    let told: @Sendable (Int64) -> Void

    func makeAsyncIterator() -> Iterator { Iterator(pieces: pieces.makeAsyncIterator(), told: told) }

    struct Iterator: AsyncIteratorProtocol {
        var pieces: ImageArchive.Pieces.AsyncIterator
        let told: @Sendable (Int64) -> Void
        private var count: Int64 = 0

        init(pieces: ImageArchive.Pieces.AsyncIterator, told: @escaping @Sendable (Int64) -> Void) {
            self.pieces = pieces
            self.told = told
        }

        mutating func next() async throws -> ArraySlice<UInt8>? {
            guard let piece = try await pieces.next() else { return nil }
            count += Int64(piece.count)
            told(count)
            return piece
        }
    }
}
