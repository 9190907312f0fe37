import Access
import Blobs
import Loop

/// The uploads that this process writes or looks at. The store lets one have an upload at a time; here that one is known, so
/// that others learn where the upload stands without being in its way.
final class OpenUploads: Sendable {
    private enum Entry {
        /// Goes when the writer lets go.
        case writing(Task<any BlobUpload, any Error>, EntityID)
        /// Somebody asks where it stands; whoever else asks gets the same answer. Goes with the answer.
        case looking(Task<Int64?, any Error>)
    }
    private let store: any BlobStore
    private let entries = Lock<[BlobUploadID: Entry]>([:])

    init(_ store: any BlobStore) { self.store = store }

    /// How many are written now.
    var writerCount: Int { entries.withLock { $0.values.count { if case .writing = $0 { true } else { false } } } }

    /// Where an upload stands; nil where the store does not have it.
    /// - Throws: `BlobError` `.busy` where another process has it.
    func standing(of id: BlobUploadID) async throws -> Int64? {
        let entry = entries.withLock { entries -> Entry in
            if let known = entries[id] { return known }
            let look = Entry.looking(Task { [self] in try await self.look(id) })
            entries[id] = look
            return look
        }
        switch entry {
        case .writing(let upload, _):
            do { return try await upload.value.offset } catch let error as BlobError where error.code == .notFound {
                return nil
            }
        case .looking(let look): return try await look.value
        }
    }

    private func look(_ id: BlobUploadID) async throws -> Int64? {
        defer { release(id) }
        do {
            let upload = try await store.resumeUpload(id)
            let offset = upload.offset
            try await upload.suspend()
            return offset
        } catch let error as BlobError where error.code == .notFound {
            return nil
        }
    }

    /// Takes an upload for writing; `release` gives it back.
    /// - Throws: `RPCError` where somebody writes it, or so many of the workspace are written; `BlobError` `.notFound`.
    func take(_ id: BlobUploadID, for workspace: EntityID, limit: Int) async throws -> any BlobUpload {
        while true {
            let attempt = try entries.withLock { entries -> Entry in
                switch entries[id] {
                case .writing: throw FileError.busy(id)
                case .looking(let look): return .looking(look)
                case nil:
                    let count = entries.values.count {
                        if case .writing(_, let other) = $0 { other == workspace } else { false }
                    }
                    guard count < limit else { throw FileError.atOnce(limit: limit) }
                    let taken = Entry.writing(Task { [store] in try await store.resumeUpload(id) }, workspace)
                    entries[id] = taken
                    return taken
                }
            }
            switch attempt {
            case .looking(let look): _ = try? await look.value
            case .writing(let upload, _):
                do { return try await upload.value } catch {
                    release(id)
                    if let error = error as? BlobError, error.code == .busy { throw FileError.busy(id) }
                    throw error
                }
            }
        }
    }

    func release(_ id: BlobUploadID) { entries.withLock { $0[id] = nil } }
}
