import Glibc
import Loop

extension FolderBlobStore {
    /// Blobs that are asked about at a time.
    private static let batch = 500

    public func collect(
        olderThan age: Duration, isReferenced: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> BlobCollection {
        var report = BlobCollection()
        let limit = FileTime(nanoseconds: FileTime.now.nanoseconds - age.wholeNanoseconds)
        var position: BlobDigest?
        while true {
            try Task.checkCancellation()
            let after = position
            let entries: [Entry] = try await onPool { [self] in
                try self.entries(after: after, limit: FolderBlobStore.batch)
            }
            guard let last = entries.last else { break }
            position = last.info.digest
            report.examined += entries.count
            let old = entries.filter { $0.time <= limit }
            if old.isEmpty { continue }
            // The times in `old` were read before the question: who pins a blob after it changes them.
            let kept = try await isReferenced(old.map(\.info.digest))
            let garbage = old.filter { !kept.contains($0.info.digest) }
            let removed: [BlobInfo] = try await onPool { [self] in
                try garbage.filter { try remove($0) }.map(\.info)
            }
            report.removed += removed.map(\.digest)
            report.removedBytes += removed.reduce(0) { $0 + $1.size }
            report.held += garbage.count - removed.count
        }
        report.removedUploads = try await onPool { [self] in try removeUploads(notAfter: limit) }
        return report
    }

    /// False where the blob is held, or was since its time was read.
    private func remove(_ entry: Entry) throws(BlobError) -> Bool {
        let shard = try OpenFile(shard(of: entry.info.digest), O_RDONLY | O_DIRECTORY)
        try shard.lock(.exclusive)
        let file: OpenFile
        do { file = try OpenFile(self.file(of: entry.info.digest), O_RDONLY) } catch {
            // Another collector was here first.
            if error.code == .notFound { return false }
            throw error
        }
        guard try file.tryLock(.exclusive), FileTime(try file.status().st_mtim) == entry.time else { return false }
        try Files.remove(file.path)
        return true
    }

    /// Removes uploads that nobody has open and nobody wrote to for long.
    private func removeUploads(notAfter limit: FileTime) throws -> Int {
        var removed = 0
        for name in try Files.names(in: "\(path)/uploads") {
            guard let id = BlobUploadID(name) else { continue }
            let folder = folder(of: id)
            let data = try Files.status("\(folder)/data") ?? Files.status(folder)
            guard let data, FileTime(data.st_mtim) <= limit else { continue }
            let uploads = try OpenFile("\(path)/uploads", O_RDONLY | O_DIRECTORY)
            try uploads.lock(.exclusive)
            // An upload without its lock's file was being removed, or begun, when that process was killed.
            let lock: OpenFile?
            do { lock = try OpenFile("\(folder)/lock", O_RDWR) } catch {
                guard error.code == .notFound else { throw error }
                lock = nil
            }
            if let lock, try !lock.tryLock(.exclusive) { continue }
            // Between the look and the lock somebody may have taken it up and let it go.
            if let now = try Files.status("\(folder)/data"), FileTime(now.st_mtim) > limit { continue }
            try UploadFile.removeFolder(folder)
            removed += 1
        }
        return removed
    }
}
