import Access
import Blobs
import RPC

extension Uploads {
    /// Opens an upload where it stands. Whoever gets it calls `end` or `letGo` in the end.
    /// - Throws: `RPCError`: `notFound`, `failedPrecondition` where it stands elsewhere or is done, `aborted` where
    ///   somebody else writes it, `resourceExhausted` where too many of the workspace are written.
    func write(to id: BlobUploadID, at offset: Int64, by caller: Caller) async throws -> UploadWriter {
        let workspace = try caller.workspaceOfCall()
        guard let row = try await rows.touch(id, in: workspace) else { throw FileError.noUpload(id) }
        guard !row.isDone else { throw FileError.alreadyDone(id, size: row.size) }
        let upload: any BlobUpload
        do {
            upload = try await open.take(id, for: workspace.id, limit: settings.uploadsAtOnce)
        } catch let error as BlobError where error.code == .notFound {
            throw FileError.noUpload(id)
        }
        let writer = UploadWriter(upload, row, self, caller, workspace)
        guard upload.offset == offset else {
            let stands = upload.offset
            await writer.letGo()
            throw FileError.offset(id, stands: stands, asked: offset)
        }
        return writer
    }
}

/// An upload that somebody sends to. Used by one task at a time.
final class UploadWriter: @unchecked Sendable {
    /// Small pieces are gathered to parts of this size, because each part costs a hop to a thread that may block.
    private static let partBytes = 1 << 20

    private let upload: any BlobUpload
    private let row: UploadRow
    private let uploads: Uploads
    private let caller: Caller
    private let workspace: Workspace
    private var part: ArraySlice<UInt8> = []
    private var isOver = false

    init(_ upload: any BlobUpload, _ row: UploadRow, _ uploads: Uploads, _ caller: Caller, _ workspace: Workspace) {
        self.upload = upload
        self.row = row
        self.uploads = uploads
        self.caller = caller
        self.workspace = workspace
    }

    /// Returns when the bytes are written, or gathered with less than a part: who sends waits meanwhile.
    /// - Throws: `RPCError` where they are more than were promised, none of them is kept then; `BlobError`.
    func write(_ bytes: ArraySlice<UInt8>) async throws {
        guard Int64(bytes.count) <= row.size - upload.offset - Int64(part.count) else {
            throw FileError.tooMuch(row.id, size: row.size)
        }
        uploads.metrics.uploadedBytes.add(bytes.count)
        if part.isEmpty { part = bytes } else { part.append(contentsOf: bytes) }
        if part.count >= UploadWriter.partBytes { try await flush() }
    }

    private func flush() async throws {
        guard !part.isEmpty else { return }
        let bytes = part
        part = []
        try await upload.append(bytes, at: upload.offset)
    }

    /// Ends the sending: the upload is done where all bytes are there, and waits for the rest where not. Runs to its end for
    /// a cancelled task too: who sent everything and went away need not send it again.
    func end() async throws -> UploadStanding {
        do { return try await Task { [self] in try await complete() }.value } catch {
            await letGo()
            throw error
        }
    }

    private func complete() async throws -> UploadStanding {
        try await flush()
        guard upload.offset == row.size else {
            let offset = upload.offset
            await letGo()
            return UploadStanding(id: row.id, offset: offset, size: row.size, isDone: false)
        }
        let pin: BlobPin
        do { pin = try await upload.finish(expecting: row.digest) } catch let error as BlobError
            where error.code == .digestMismatch
        {
            try await uploads.rows.remove(row.id, in: workspace)
            throw FileError.lied(row.id, row.digest)
        }
        defer {
            pin.release()
            release()
        }
        let id = try await uploads.rows.done(row.digest, size: row.size, id: row.id, by: caller, in: workspace)
        uploads.metrics.uploadsDone.add()
        return UploadStanding(id: id, offset: row.size, size: row.size, isDone: true)
    }

    /// Keeps what came so that somebody can go on from there; for a cancelled task too. Nothing happens after the end.
    func letGo() async {
        guard !isOver else { return }
        await Task { [self] in
            // Where the disk is full, what is in the file already is all that can be kept.
            try? await flush()
            try? await upload.suspend()
            release()
        }.value
    }

    /// Once: a moment later the upload may be somebody else's.
    private func release() {
        guard !isOver else { return }
        isOver = true
        uploads.open.release(row.id)
    }
}
