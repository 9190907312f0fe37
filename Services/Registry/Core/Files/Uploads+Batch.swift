import Access
import Blobs
import Loop

extension Uploads {
    /// What one call may bring. A pin is an open file, and what is brought is held in memory.
    static let batchFiles = 256
    static let batchBytes = 4 << 20

    /// Stores small files, at most `batchFiles`: all of them are durable and the workspace's when this returns. Runs to its end for a cancelled
    /// task too: what came need not come again.
    /// - Throws: `RPCError`: `invalidArgument` where they are too large, `dataLoss` where one is not what its digest says,
    ///   `resourceExhausted` where too many of the workspace are under way; `BlobError` where the store fails.
    func putAll(_ batch: [BlobContent], by caller: Caller) async throws {
        let workspace = try caller.workspaceOfCall()
        let bytes = batch.reduce(0) { $0 + $1.bytes.count }
        guard bytes <= Uploads.batchBytes else { throw FileError.batchTooLarge(bytes, limit: Uploads.batchBytes) }
        for content in batch where content.bytes.count > settings.sizeLimit.bytes {
            throw FileError.tooLarge(Int64(content.bytes.count), limit: settings.sizeLimit.bytes)
        }
        let place = try open.enter(workspace.id, limit: settings.uploadsAtOnce)
        defer { open.release(place) }
        metrics.uploadedBytes.add(bytes)
        try await Task { [self] in
            let pins: [BlobPin]
            do { pins = try await store.putAll(batch) } catch let error as BlobError where error.code == .digestMismatch
            {
                throw FileError.lied(batch, error.digest)
            }
            defer { for pin in pins { pin.release() } }
            try await rows.done(pins.map(\.info), by: caller, in: workspace)
        }.value
        metrics.uploadsDone.add(batch.count)
    }
}
