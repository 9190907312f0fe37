import Glibc

extension FolderBlobStore {
    public func putAll(_ batch: [BlobContent]) async throws -> [BlobPin] {
        guard !batch.isEmpty else { return [] }
        let held = try await onPool { [self] in
            for content in batch { try content.check() }
            return try store(batch)
        }
        return batch.compactMap { held[$0.digest]?.pin() }
    }

    /// Two flushes make the whole batch durable: one when all bytes are written, so that no name ever stands for bytes that
    /// a stop of the machine may take, and one when all names are given. Flushed is the file system, whatever else is
    /// written to it: an fsync of each file would wait for the disk as often as there are files. On the pool.
    private func store(_ batch: [BlobContent]) throws -> [BlobDigest: HeldBlob] {
        var held: [BlobDigest: HeldBlob] = [:]
        for content in batch where held[content.digest] == nil {
            held[content.digest] = try known(content, inside: try sharedShard(of: content.digest))
        }
        let staging = try BatchFolder(self)
        do {
            var staged: [BlobDigest: OpenFile] = [:]
            for content in batch where held[content.digest] == nil && staged[content.digest] == nil {
                staged[content.digest] = try staging.write(content, number: staged.count)
            }
            if !staged.isEmpty { try staging.synchronise() }
            for content in batch where held[content.digest] == nil {
                let shard = try sharedShard(of: content.digest)
                // Somebody may have put the same meanwhile.
                if let known = try known(content, inside: shard) {
                    held[content.digest] = known
                } else if let file = staged[content.digest] {
                    try Files.rename(file.path, self.file(of: content.digest))
                    held[content.digest] = HeldBlob(
                        file, BlobInfo(digest: content.digest, size: Int64(content.bytes.count)))
                }
            }
            // Known ones too: a process that named one may have been killed before it made that durable.
            try staging.synchronise()
        } catch {
            try? staging.remove()
            throw error
        }
        try? staging.remove()
        return held
    }

    /// A blob that is there already; one of another size was cut short by a failure, and is replaced.
    private func known(_ content: BlobContent, inside shard: OpenFile) throws(BlobError) -> HeldBlob? {
        let held = try hold(content.digest, touching: true, inside: shard)
        return held?.info.size == Int64(content.bytes.count) ? held : nil
    }

    private func sharedShard(of digest: BlobDigest) throws(BlobError) -> OpenFile {
        let shard = try OpenFile(shard(of: digest), O_RDONLY | O_DIRECTORY)
        try shard.lock(.shared)
        return shard
    }
}

/// Where a batch's files are until they have their names: a folder as an upload's, with the same lock, so that a collector
/// removes it once the process that made it is gone.
private struct BatchFolder {
    private let path: String
    private let lock: OpenFile

    init(_ store: FolderBlobStore) throws(BlobError) {
        path = store.folder(of: BlobUploadID())
        let uploads = try OpenFile("\(store.path)/uploads", O_RDONLY | O_DIRECTORY)
        try uploads.lock(.shared)
        try Files.makeFolder(path)
        do { lock = try UploadFile.lock(path, creating: true) } catch {
            try? Files.removeFolder(path)
            throw error
        }
    }

    /// The file with its shared lock, which goes with it when it is renamed.
    func write(_ content: BlobContent, number: Int) throws(BlobError) -> OpenFile {
        let file = try OpenFile("\(path)/\(number)", O_RDWR | O_CREAT | O_EXCL)
        try file.lock(.shared)
        let failure = content.bytes.withUnsafeBytes { bytes -> BlobError? in
            do throws(BlobError) { try file.write(bytes, at: 0) } catch { return error }
            return nil
        }
        if let failure { throw failure }
        _ = fchmod(file.descriptor, 0o440)
        return file
    }

    /// The lock's file was opened before the first byte was written: whatever failed to reach the disk since is told.
    func synchronise() throws(BlobError) { try lock.synchroniseFileSystem() }

    func remove() throws(BlobError) { try UploadFile.removeFolder(path) }
}
