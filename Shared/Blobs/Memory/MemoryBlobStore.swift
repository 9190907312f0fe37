import Loop

/// Blobs in memory, for tests and for services that need no more. Nothing survives the process.
public final class MemoryBlobStore: BlobStore {
    struct Blob {
        var bytes: [UInt8]
        var touched: ContinuousClock.Instant
        /// Another number after each pin, its end and each put: tells a collector of those between its question and its answer.
        var generation: Int
        var holders = 0
    }
    struct Upload {
        var bytes: [UInt8] = []
        var isOpen = true
        var touched: ContinuousClock.Instant
    }
    struct State {
        var blobs: [BlobDigest: Blob] = [:]
        var uploads: [BlobUploadID: Upload] = [:]
        var generation = 0

        mutating func touch(_ digest: BlobDigest) {
            generation += 1
            blobs[digest]?.generation = generation
            blobs[digest]?.touched = .now
        }
    }
    let state = Lock(State())

    public init() {}

    public func stat(_ digest: BlobDigest) async throws -> BlobInfo? {
        state.withLock { $0.blobs[digest].map { BlobInfo(digest: digest, size: Int64($0.bytes.count)) } }
    }

    public func stat(_ digests: [BlobDigest]) async throws -> [BlobInfo] {
        state.withLock { state in
            digests.compactMap { digest in
                state.blobs[digest].map { BlobInfo(digest: digest, size: Int64($0.bytes.count)) }
            }
        }
    }

    public func list(after: BlobDigest?, limit: Int) async throws -> [BlobInfo] {
        let all = state.withLock { state in
            state.blobs.map { BlobInfo(digest: $0.key, size: Int64($0.value.bytes.count)) }
        }
        let following = all.filter { info in after.map { info.digest > $0 } ?? true }
        return Array(following.sorted { $0.digest < $1.digest }.prefix(max(0, limit)))
    }

    public func pin(_ digest: BlobDigest) async throws -> BlobPin {
        guard let (info, release) = hold(digest, touching: true) else { throw MemoryBlobStore.absent(digest) }
        return BlobPin(info, onRelease: release)
    }

    public func open(_ digest: BlobDigest) async throws -> any BlobReader {
        guard let (info, release) = hold(digest, touching: false) else { throw MemoryBlobStore.absent(digest) }
        return MemoryBlobReader(info: info, store: self, pin: BlobPin(info, onRelease: release))
    }

    private static func absent(_ digest: BlobDigest) -> BlobError { BlobError(.notFound, "there is no blob \(digest)") }

    /// Counts a holder; what is returned takes it off again, once.
    func hold(_ digest: BlobDigest, touching: Bool) -> (BlobInfo, @Sendable () -> Void)? {
        let info: BlobInfo? = state.withLock { state in
            guard var blob = state.blobs[digest] else { return nil }
            blob.holders += 1
            state.blobs[digest] = blob
            if touching { state.touch(digest) }
            return BlobInfo(digest: digest, size: Int64(blob.bytes.count))
        }
        guard let info else { return nil }
        let isHeld = Lock(true)
        return (
            info,
            { [self] in
                let isFirst = isHeld.withLock { held in
                    defer { held = false }
                    return held
                }
                guard isFirst else { return }
                state.withLock { state in
                    state.blobs[digest]?.holders -= 1
                    // Once more at the end: whoever asked while it was held asked too early.
                    if touching { state.touch(digest) }
                }
            }
        )
    }

    public func collect(
        olderThan age: Duration, isReferenced: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> BlobCollection {
        let limit = ContinuousClock.now - age
        let (count, old) = state.withLock { state in
            (state.blobs.count, state.blobs.filter { $0.value.touched <= limit }.mapValues(\.generation))
        }
        var report = BlobCollection()
        report.examined = count
        let kept = old.isEmpty ? [] : try await isReferenced(old.keys.sorted())
        state.withLock { state in
            for (digest, generation) in old.sorted(by: { $0.key < $1.key }) where !kept.contains(digest) {
                guard let blob = state.blobs[digest], blob.holders == 0, blob.generation == generation else {
                    report.held += 1
                    continue
                }
                state.blobs[digest] = nil
                report.removed.append(digest)
                report.removedBytes += Int64(blob.bytes.count)
            }
            for (id, upload) in state.uploads where !upload.isOpen && upload.touched <= limit {
                state.uploads[id] = nil
                report.removedUploads += 1
            }
        }
        return report
    }

    public func scrub(after: BlobDigest?, limit: Int) async throws -> BlobScrub {
        var report = BlobScrub()
        let infos = try await list(after: after, limit: limit)
        for info in infos {
            guard let bytes = state.withLock({ $0.blobs[info.digest]?.bytes }) else { continue }
            report.examined += 1
            report.examinedBytes += info.size
            guard try BlobHasher.digest(bytes) != info.digest else { continue }
            state.withLock { $0.blobs[info.digest] = nil }
            report.damaged.append(info.digest)
        }
        if infos.count == limit { report.next = infos.last?.digest }
        return report
    }
}

private struct MemoryBlobReader: BlobReader {
    let info: BlobInfo
    let store: MemoryBlobStore
    let pin: BlobPin

    func read(_ range: Range<Int64>) async throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= info.size else {
            throw BlobError(.outOfRange, "\(info.digest) has \(info.size) bytes; asked were \(range)")
        }
        guard let bytes = store.state.withLock({ $0.blobs[info.digest]?.bytes }) else {
            throw BlobError(.notFound, "the reader of \(info.digest) was released")
        }
        return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    func release() { pin.release() }
}
