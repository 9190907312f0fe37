import Glibc
import Loop

extension FolderBlobStore {
    public func scrub(after: BlobDigest?, limit: Int) async throws -> BlobScrub {
        var report = BlobScrub()
        let entries: [Entry] = try await onPool { [self] in try self.entries(after: after, limit: limit) }
        for entry in entries {
            try Task.checkCancellation()
            let digest = entry.info.digest
            switch try await onPool({ [self] in try examine(digest) }) {
            case .absent: continue
            case .sound: break
            case .damaged: report.damaged.append(digest)
            case .unreadable(let reason): report.unreadable[digest] = reason
            }
            report.examined += 1
            report.examinedBytes += entry.info.size
        }
        if entries.count == limit { report.next = entries.last?.info.digest }
        return report
    }

    private enum Finding: Sendable {
        case sound
        case damaged
        case unreadable(String)
        /// Collected since it was listed.
        case absent
    }

    private func examine(_ digest: BlobDigest) throws -> Finding {
        guard let held = try hold(digest, touching: false), let file = held.file else { return .absent }
        let hasher = try BlobHasher()
        do { try file.hash(0..<held.info.size, into: hasher) } catch { return .unreadable(error.description) }
        if try hasher.finish() == digest { return .sound }
        // Readers that have it open keep what they have; from now on the blob is absent and may be put again.
        let shard = try OpenFile(shard(of: digest), O_RDONLY | O_DIRECTORY)
        try shard.lock(.exclusive)
        let path = self.file(of: digest)
        // Another scrub may have taken it out, and somebody put a sound one in its place.
        guard let now = try Files.status(path), now.st_ino == (try file.status().st_ino) else { return .absent }
        try Files.rename(path, "\(self.path)/damaged/\(digest.hexadecimal)")
        try shard.synchronise()
        try Files.synchroniseFolder("\(self.path)/damaged")
        return .damaged
    }
}
