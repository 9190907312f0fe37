import Access
import Blobs
import Loop
import RPC

/// The uploads that this process writes or looks at. The store lets one have an upload at a time; here that one is known, so
/// that others learn where the upload stands without being in its way.
final class OpenUploads: Sendable {
    private enum Entry {
        /// Goes when the writer lets go.
        case writing(Task<any BlobUpload, any Error>, EntityID)
        /// Somebody asks where it stands; whoever else asks gets the same answer. Goes with the answer.
        case looking(Task<Int64?, any Error>)
        /// Files that come whole in one call, under a name that nobody else knows.
        case batch(EntityID)

        var writingWorkspace: EntityID? {
            switch self {
            case .writing(_, let workspace), .batch(let workspace): workspace
            case .looking: nil
            }
        }
    }
    private let store: any BlobStore
    private let entries = Lock<[BlobUploadID: Entry]>([:])

    init(_ store: any BlobStore) { self.store = store }

    /// How many are written now.
    var writerCount: Int { entries.withLock { $0.values.count { $0.writingWorkspace != nil } } }

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
        case .batch: return nil
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
                case .writing, .batch: throw FileError.busy(id)
                case .looking(let look): return .looking(look)
                case nil:
                    try OpenUploads.checkRoom(in: entries, for: workspace, limit)
                    let taken = Entry.writing(Task { [store] in try await store.resumeUpload(id) }, workspace)
                    entries[id] = taken
                    return taken
                }
            }
            switch attempt {
            case .batch: throw FileError.busy(id)
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

    /// Counts files that come whole among what the workspace writes, until `release`.
    /// - Throws: `RPCError` where so many of the workspace are written.
    func enter(_ workspace: EntityID, limit: Int) throws -> BlobUploadID {
        try entries.withLock { entries in
            try OpenUploads.checkRoom(in: entries, for: workspace, limit)
            let id = BlobUploadID()
            entries[id] = .batch(workspace)
            return id
        }
    }

    private static func checkRoom(
        in entries: [BlobUploadID: Entry], for workspace: EntityID, _ limit: Int
    ) throws(RPCError) {
        let count = entries.values.count { $0.writingWorkspace == workspace }
        guard count < limit else { throw FileError.atOnce(limit: limit) }
    }

    func release(_ id: BlobUploadID) { entries.withLock { $0[id] = nil } }
}
