import Loop

@testable import Blobs

/// A store with as much room as it is given.
final class FullStore: BlobStore {
    let inner = MemoryBlobStore()
    let room = Lock(Int64.max)

    func stat(_ digest: BlobDigest) async throws -> BlobInfo? { try await inner.stat(digest) }
    func stat(_ digests: [BlobDigest]) async throws -> [BlobInfo] { try await inner.stat(digests) }
    func list(after: BlobDigest?, limit: Int) async throws -> [BlobInfo] {
        try await inner.list(after: after, limit: limit)
    }
    func pin(_ digest: BlobDigest) async throws -> BlobPin { try await inner.pin(digest) }
    func open(_ digest: BlobDigest) async throws -> any BlobReader { try await inner.open(digest) }
    func beginUpload() async throws -> any BlobUpload { Upload(inner: try await inner.beginUpload(), store: self) }
    func resumeUpload(_ id: BlobUploadID) async throws -> any BlobUpload {
        Upload(inner: try await inner.resumeUpload(id), store: self)
    }
    func collect(
        olderThan age: Duration, isReferenced: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> BlobCollection { try await inner.collect(olderThan: age, isReferenced: isReferenced) }
    func scrub(after: BlobDigest?, limit: Int) async throws -> BlobScrub {
        try await inner.scrub(after: after, limit: limit)
    }

    private struct Upload: BlobUpload {
        let inner: any BlobUpload
        let store: FullStore

        var id: BlobUploadID { inner.id }
        var offset: Int64 { inner.offset }
        func append(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws {
            guard offset + Int64(bytes.count) <= store.room.withLock({ $0 }) else {
                throw BlobError(.outOfSpace, "no room")
            }
            try await inner.append(bytes, at: offset)
        }
        func finish(expecting digest: BlobDigest?) async throws -> BlobPin { try await inner.finish(expecting: digest) }
        func suspend() async throws { try await inner.suspend() }
        func cancel() async throws { try await inner.cancel() }
    }
}
