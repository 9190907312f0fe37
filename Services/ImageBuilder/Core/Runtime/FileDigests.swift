internal import Blobs
internal import Glibc
internal import Loop

/// Digests of files of this machine, kept for as long as nothing of a file changes: hashing all that a scorer consists of
/// takes longer than the rest of a build. Usable by any number of tasks.
final class FileDigests: Sendable {
    /// What changes when a file does.
    struct Identity: Hashable, Sendable {
        let device: UInt
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        /// Links are followed.
        init(_ path: String) throws {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw SmallFile.Failure(path: path, reason: String(cString: strerror(errno)))
            }
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = Int(status.st_mtim.tv_sec)
            nanoseconds = Int(status.st_mtim.tv_nsec)
        }
    }

    private let known = Lock<[String: (identity: Identity, digest: BlobDigest)]>([:])

    /// Reads the file where it is not known, and blocks while it does.
    func digest(_ path: String) throws -> BlobDigest {
        let identity = try Identity(path)
        if let found = known.withLock({ $0[path] }), found.identity == identity { return found.digest }
        let hasher = try BlobHasher()
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SmallFile.Failure(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SmallFile.Failure(path: path, reason: String(cString: strerror(errno))) }
            guard count > 0 else { break }
            piece.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        let digest = try hasher.finish()
        // One that changed while it was read is read again by whoever asks next.
        if try Identity(path) == identity { known.withLock { $0[path] = (identity, digest) } }
        return digest
    }
}
