import Glibc
import Loop

extension FolderBlobStore {
    public func pin(_ digest: BlobDigest) async throws -> BlobPin {
        try await onPool { [self] in
            guard let held = try hold(digest, touching: true) else { throw FolderBlobStore.absent(digest) }
            return held.pin()
        }
    }

    public func open(_ digest: BlobDigest) async throws -> any BlobReader {
        try await onPool { [self] in
            // A reader leaves the time alone: what it reads needs no more than to stay until it is done.
            guard let held = try hold(digest, touching: false) else { throw FolderBlobStore.absent(digest) }
            return FolderBlobReader(held, pool: pool)
        }
    }

    static func absent(_ digest: BlobDigest) -> BlobError { BlobError(.notFound, "there is no blob \(digest)") }

    /// Opens a blob and takes its shared lock; nil where there is none. On the pool.
    func hold(_ digest: BlobDigest, touching: Bool) throws(BlobError) -> HeldBlob? {
        let shard = try OpenFile(shard(of: digest), O_RDONLY | O_DIRECTORY)
        try shard.lock(.shared)
        return try hold(digest, touching: touching, inside: shard)
    }

    /// The same under the shard's lock, which the caller holds.
    func hold(_ digest: BlobDigest, touching: Bool, inside shard: OpenFile) throws(BlobError) -> HeldBlob? {
        let file: OpenFile
        do { file = try OpenFile(self.file(of: digest), O_RDONLY) } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        // A collector has the exclusive lock only while it has the shard's too: this never waits.
        try file.lock(.shared)
        let status = try file.status()
        if touching { try file.touch(after: FileTime(status.st_mtim)) }
        return HeldBlob(file, BlobInfo(digest: digest, size: Int64(status.st_size)))
    }
}

/// Linux's number for "leave this time as it is"; a macro with a cast that Swift does not see.
private let omittedTime = (1 << 30) - 2

/// A blob's open file with its shared lock.
final class HeldBlob: Sendable {
    let info: BlobInfo
    private let open: Lock<OpenFile?>

    init(_ file: OpenFile, _ info: BlobInfo) {
        self.info = info
        open = Lock(file)
    }

    /// The file while it is held. Whoever works with it keeps it, so that a release meanwhile can't close it under them.
    var file: OpenFile? { open.withLock { $0 } }

    /// Reads under way go on: an open file keeps its bytes even when its name is gone.
    func release() {
        open.withLock {
            $0?.unlock()
            $0 = nil
        }
    }

    /// A pin's end moves the time too: a collector that asked while it was held, and comes to the blob when it is not any
    /// more, asked before whatever the pin was for was recorded.
    func pin() -> BlobPin {
        BlobPin(info) { [self] in
            if let file, let status = try? file.status() { try? file.touch(after: FileTime(status.st_mtim)) }
            release()
        }
    }
}

extension OpenFile {
    /// Moves the time forward: always to another value, even within one tick of the clock and when the clock was set back.
    fileprivate func touch(after last: FileTime) throws(BlobError) {
        let time = max(FileTime.now, FileTime(nanoseconds: last.nanoseconds + 1))
        var times = [timespec(tv_sec: 0, tv_nsec: Int(omittedTime)), time.systemTime]
        guard futimens(descriptor, &times) == 0 else { throw BlobError("touch", path, number: errno) }
    }
}

/// An open blob of a folder.
struct FolderBlobReader: BlobReader {
    private let held: HeldBlob
    private let pool: ComputePool

    init(_ held: HeldBlob, pool: ComputePool) {
        self.held = held
        self.pool = pool
    }

    var info: BlobInfo { held.info }

    func release() { held.release() }

    func read(_ range: Range<Int64>) async throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= info.size else {
            throw BlobError(.outOfRange, "\(info.digest) has \(info.size) bytes; asked were \(range)")
        }
        guard let file = held.file else { throw BlobError(.notFound, "the reader of \(info.digest) was released") }
        let digest = info.digest
        do {
            return try await pool.run {
                var failure: BlobError?
                let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
                    let raw = UnsafeMutableRawBufferPointer(buffer)
                    do throws(BlobError) {
                        count = try file.read(
                            into: UnsafeMutableRawBufferPointer(rebasing: raw[..<range.count]), at: range.lowerBound)
                    } catch { failure = error }
                }
                if let failure { throw failure }
                guard bytes.count == range.count else {
                    throw BlobError(.corrupt, "\(digest) became shorter than it was")
                }
                return bytes
            }
        } catch let error as ComputePoolError {
            throw BlobError(.resources, error.description)
        }
    }
}
