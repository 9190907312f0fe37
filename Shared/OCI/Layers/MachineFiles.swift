internal import Glibc
public import Loop

/// Files of this machine, read on a pool of threads that may block.
public struct MachineFiles: LayerFiles {
    private let pool: ComputePool

    public init(pool: ComputePool) { self.pool = pool }

    /// - Throws: `OCIError` where it can't be opened, or is no ordinary file; links are not followed.
    public func open(_ path: String) async throws -> any LayerFile {
        try await pool.run {
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { throw Self.fault(path, "can't be opened") }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                throw OCIError(.unsupported, "\(path) is no ordinary file")
            }
            return MachineFile(descriptor: descriptor, path: path, pool: pool)
        }
    }

    fileprivate static func fault(_ path: String, _ what: String) -> OCIError {
        OCIError(errno == ENOENT ? .notFound : .resources, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}

private final class MachineFile: LayerFile {
    private let descriptor: Int32
    private let path: String
    private let pool: ComputePool

    init(descriptor: Int32, path: String, pool: ComputePool) {
        self.descriptor = descriptor
        self.path = path
        self.pool = pool
    }

    func read(at offset: Int64, atMost count: Int) async throws -> [UInt8] {
        let (descriptor, path) = (descriptor, path)
        return try await pool.run {
            var failed = false
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                while filled < count, let base = buffer.baseAddress {
                    let got = pread(descriptor, base + filled, count - filled, off_t(offset) + off_t(filled))
                    if got < 0, errno == EINTR { continue }
                    failed = got < 0
                    guard got > 0 else { break }
                    filled += got
                }
            }
            if failed { throw MachineFiles.fault(path, "can't be read") }
            return bytes
        }
    }

    func close() { _ = Glibc.close(descriptor) }
}
