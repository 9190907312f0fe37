internal import Blobs
internal import Contracts
internal import Postgres
internal import RPC
internal import Synchronization

/// Brings the files of models from the registry into the store: what is there is left alone, the rest comes as a stream and
/// is compared with its digest.
///
/// Each file is held by a row of the build before its pin goes, so that a model of a hundred thousand files needs no
/// hundred thousand open files, and so that a killed build's files are there when another process goes on.
struct ModelBringer: Sendable {
    private static let batchMax = 256
    private static let streamsMax = 4

    let registry: RegistryCalls
    let store: any BlobStore
    let pool: PostgresPool
    let build: PostgresUUID

    /// A file on its way: which version it is of, and what it should be.
    private struct Wanted: Sendable {
        let version: String
        let path: String
        let digest: BlobDigest
        let size: Int64
    }

    /// - Parameter progress: hears how many bytes are there of how many.
    /// - Returns: the files of each version, in their order.
    /// - Throws: `BuildFailure` for bytes that are not those of their digest; `RPCError`, `BlobError`, `PostgresError`.
    func bring(
        _ versions: [Slipway.Models.V1.ModelVersion], progress: @escaping @Sendable (Int64, Int64) async -> Void
    ) async throws -> [[TreeFile]] {
        var files: [[TreeFile]] = []
        var wanted: [Wanted] = []
        for version in versions {
            let name = "\(version.model):\(version.version)"
            var found: [TreeFile] = []
            for file in version.files {
                guard let digest = BlobDigest(file.digest) else {
                    throw BuildFailure("model.damaged", "the registry names no digest for \(file.path) of \(name)")
                }
                found.append(TreeFile(path: file.path, digest: digest, size: file.sizeBytes))
                wanted.append(Wanted(version: name, path: file.path, digest: digest, size: file.sizeBytes))
            }
            files.append(found)
        }
        var seen: Set<BlobDigest> = []
        wanted = wanted.filter { seen.insert($0.digest).inserted }
        let total = wanted.reduce(Int64(0)) { $0 + $1.size }
        let done = Atomic<Int64>(0)
        var start = 0
        while start < wanted.count {
            let batch = Array(wanted[start..<min(start + Self.batchMax, wanted.count)])
            start += batch.count
            try await bring(batch) { bytes in
                await progress(done.add(bytes, ordering: .relaxed).newValue, total)
            }
        }
        return files
    }

    /// Some files at a time, and the row that holds them.
    private func bring(_ batch: [Wanted], progress: @escaping @Sendable (Int64) async -> Void) async throws {
        let pins = try await withThrowingTaskGroup(of: BlobPin.self) { group in
            var pins: [BlobPin] = []
            var rest = batch[...]
            for _ in 0..<Self.streamsMax {
                guard let next = rest.popFirst() else { break }
                group.addTask { try await bring(next, progress: progress) }
            }
            while let pin = try await group.next() {
                pins.append(pin)
                if let next = rest.popFirst() { group.addTask { try await bring(next, progress: progress) } }
            }
            return pins
        }
        try await BuildHolds(pool: pool, build: build).hold(pins.map(\.info.digest))
        for pin in pins { pin.release() }
    }

    private func bring(_ file: Wanted, progress: @escaping @Sendable (Int64) async -> Void) async throws -> BlobPin {
        do {
            let pin = try await store.pin(file.digest)
            await progress(file.size)
            return pin
        } catch let error as BlobError where error.code == .notFound {}
        let request = Slipway.Models.V1.DownloadRequest(version: file.version, path: file.path)
        do {
            return try await registry.files.download(request) { responses in
                let bytes = Pieces(responses: responses, limit: file.size, name: "\(file.version)/\(file.path)") {
                    await progress(Int64($0))
                }
                return try await store.put(bytes, expecting: file.digest)
            }
        } catch let error as BlobError where error.code == .digestMismatch {
            throw BuildFailure(
                "model.damaged", "the registry sent other bytes for \(file.path) of \(file.version) than it named")
        }
    }
}

/// The bytes of a file as they come, and not more of them than were promised.
private struct Pieces: AsyncSequence {
    let responses: ResponseStream<Slipway.Models.V1.DownloadResponse>
    let limit: Int64
    let name: String
    let onPiece: (Int) async -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var responses: ResponseStream<Slipway.Models.V1.DownloadResponse>.AsyncIterator
        let limit: Int64
        let name: String
        let onPiece: (Int) async -> Void
        var count: Int64 = 0

        mutating func next() async throws -> ArraySlice<UInt8>? {
            guard let response = try await responses.next() else { return nil }
            count += Int64(response.data.count)
            guard count <= limit else {
                throw BuildFailure("model.damaged", "the registry sends more than the \(limit) bytes of \(name)")
            }
            await onPiece(response.data.count)
            return response.data
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(responses: responses.makeAsyncIterator(), limit: limit, name: name, onPiece: onPiece)
    }
}

/// What a build under way needs, so that no collection takes it, also while nobody runs the build.
struct BuildHolds: Sendable {
    let pool: PostgresPool
    let build: PostgresUUID

    /// Held from here on, until the build's activity has ended. The blobs must be pinned until this returns.
    func hold(_ digests: [BlobDigest]) async throws {
        try await pool.execute(
            """
            INSERT INTO images.build_blobs (build, digest)
            SELECT \(build), given.digest FROM unnest(\(digests.map(\.bytes))) AS given (digest)
            WHERE EXISTS (SELECT FROM images.builds AS b WHERE b.id = \(build))
            ON CONFLICT DO NOTHING
            """)
    }
}
