import Access
import Blobs
import Postgres
import RPC
import ServiceKit

/// How far an upload is.
struct UploadStanding: Sendable, Equatable {
    let id: BlobUploadID
    let offset: Int64
    let size: Int64
    let isDone: Bool
}

/// Takes in files' bytes.
///
/// An upload is a row, which says whose it is and what it promised, and an upload of the store's, which has the bytes. The
/// store is ahead of the table: whatever process is killed between the two leaves an upload that nobody can name, which the
/// collection removes, or a row whose upload is gone, which `begin` begins anew. What is finished is pinned until the row
/// says so, see `FileKeeper`.
final class Uploads: Sendable {
    let store: any BlobStore
    let rows: UploadRows
    let catalogue: FileCatalogue
    let settings: FileSettings
    let metrics: FileMetrics
    let open: OpenUploads

    init(_ pool: PostgresPool, store: any BlobStore, settings: FileSettings, metrics: FileMetrics) {
        self.store = store
        self.settings = settings
        self.metrics = metrics
        rows = UploadRows(pool: pool)
        catalogue = FileCatalogue(pool: pool)
        open = OpenUploads(store)
    }

    /// Files that may be asked about at once.
    static let filesAtOnce = 100_000

    /// Those of the digests whose bytes the workspace does not have, in their order.
    func missing(_ digests: [BlobDigest], in workspace: Workspace) async throws -> [BlobDigest] {
        var seen: Set<BlobDigest> = []
        let wanted = digests.filter { seen.insert($0).inserted }
        guard !wanted.isEmpty else { return [] }
        let known = try await catalogue.known(wanted, in: workspace)
        let stored = known.isEmpty ? [] : try await store.stat(Array(known)).map(\.digest)
        let there = Set(stored)
        return wanted.filter { !there.contains($0) }
    }

    /// - Throws: `RPCError`; `BlobError` where the store fails.
    func begin(_ digest: BlobDigest, size: Int64, by caller: Caller) async throws -> UploadStanding {
        let workspace = try caller.workspaceOfCall()
        guard size >= 0 else { throw FileError.negativeSize(size) }
        guard size <= Int64(settings.sizeLimit.bytes) else {
            throw FileError.tooLarge(size, limit: settings.sizeLimit.bytes)
        }
        if let known = try await takeKnown(digest, size, caller, workspace) { return known }
        if size == 0 { return try await storeNothing(digest, caller, workspace) }
        // Each round fails only where somebody else changed the row in the middle of it.
        for _ in 0..<8 {
            guard let row = try await rows.find(digest, in: workspace) else {
                if let begun = try await add(digest, size, caller, workspace) { return begun }
                continue
            }
            if !row.isDone, row.size == size, let offset = try await standing(of: row.id) {
                guard offset == size else {
                    return UploadStanding(id: row.id, offset: offset, size: size, isDone: false)
                }
                // Whoever sent the last byte went away before it was finished.
                return try await write(to: row.id, at: offset, by: caller).end()
            }
            if let begun = try await replace(row, size, caller, workspace) { return begun }
        }
        throw FileError.contended(digest)
    }

    /// - Throws: `RPCError` `notFound`.
    func find(_ id: BlobUploadID, by caller: Caller) async throws -> UploadStanding {
        guard let row = try await rows.find(id, in: try caller.workspaceOfCall()) else { throw FileError.noUpload(id) }
        if row.isDone { return UploadStanding(id: id, offset: row.size, size: row.size, isDone: true) }
        guard let offset = try await standing(of: id) else { throw FileError.noUpload(id) }
        return UploadStanding(id: id, offset: offset, size: row.size, isDone: false)
    }

    /// Nothing happens where there is no such upload.
    /// - Throws: `RPCError` `failedPrecondition` where it is done, `aborted` where somebody writes it.
    func cancel(_ id: BlobUploadID, by caller: Caller) async throws {
        let workspace = try caller.workspaceOfCall()
        guard let row = try await rows.find(id, in: workspace) else { return }
        guard !row.isDone else { throw FileError.alreadyDone(id, size: row.size) }
        try await discard(id, workspace)
        try await rows.remove(id, in: workspace)
    }

    // MARK: beginning

    private func standing(of id: BlobUploadID) async throws -> Int64? {
        do { return try await open.standing(of: id) } catch let error as BlobError where error.code == .busy {
            throw FileError.busy(id)
        }
    }

    /// Answers for bytes that the workspace has, and keeps them for another day.
    private func takeKnown(
        _ digest: BlobDigest, _ size: Int64, _ caller: Caller, _ workspace: Workspace
    ) async throws -> UploadStanding? {
        guard try await !catalogue.known([digest], in: workspace).isEmpty else { return nil }
        let pin: BlobPin
        do { pin = try await store.pin(digest) } catch let error as BlobError where error.code == .notFound {
            return nil
        }
        defer { pin.release() }
        guard pin.info.size == size else { throw FileError.otherSize(digest, size, pin.info.size) }
        let id = try await rows.done(digest, size: size, id: BlobUploadID(), by: caller, in: workspace)
        return UploadStanding(id: id, offset: size, size: size, isDone: true)
    }

    private func storeNothing(
        _ digest: BlobDigest, _ caller: Caller, _ workspace: Workspace
    ) async throws -> UploadStanding {
        let empty = try BlobHasher.digest([])
        guard digest == empty else {
            throw RPCError.badRequest(field: "digest", "no bytes have the digest \(empty), not \(digest)")
        }
        let pin = try await store.put([])
        defer { pin.release() }
        let id = try await rows.done(digest, size: 0, id: BlobUploadID(), by: caller, in: workspace)
        return UploadStanding(id: id, offset: 0, size: 0, isDone: true)
    }

    /// Nil where somebody else was quicker.
    private func add(
        _ digest: BlobDigest, _ size: Int64, _ caller: Caller, _ workspace: Workspace
    ) async throws -> UploadStanding? {
        try await withNewUpload(digest, size) { row in
            switch try await rows.insert(row, by: caller, in: workspace, limit: settings.uploadsBegun) {
            case .inserted: true
            case .taken: false
            case .tooMany: throw FileError.begun(limit: settings.uploadsBegun)
            }
        }
    }

    private func replace(
        _ row: UploadRow, _ size: Int64, _ caller: Caller, _ workspace: Workspace
    ) async throws -> UploadStanding? {
        if !row.isDone { try await discard(row.id, workspace) }
        return try await withNewUpload(row.digest, size) { new in
            try await rows.replace(row.id, with: new, by: caller, in: workspace)
        }
    }

    private func withNewUpload(
        _ digest: BlobDigest, _ size: Int64, record: (UploadRow) async throws -> Bool
    ) async throws -> UploadStanding? {
        let upload = try await store.beginUpload()
        do {
            guard try await record(UploadRow(id: upload.id, digest: digest, size: size, isDone: false)) else {
                try await upload.cancel()
                return nil
            }
            try await upload.suspend()
            return UploadStanding(id: upload.id, offset: 0, size: size, isDone: false)
        } catch {
            try? await upload.cancel()
            throw error
        }
    }

    /// Removes what the store has of an upload.
    private func discard(_ id: BlobUploadID, _ workspace: Workspace) async throws {
        do {
            let upload = try await open.take(id, for: workspace.id, limit: .max)
            defer { open.release(id) }
            try await upload.cancel()
        } catch let error as BlobError where error.code == .notFound {
            return
        }
    }
}
