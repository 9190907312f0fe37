internal import Glibc

/// An open file, read at any place. Blocks.
final class WheelFile {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(_ path: String) throws(BuildFailure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw ScratchFolder.failure(path, "can't be opened")
        }
        size = Int(status.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Fewer bytes only at the end.
    func read(_ range: Range<Int>) throws(BuildFailure) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            while filled < range.count, let base = buffer.baseAddress {
                let count = pread(descriptor, base + filled, range.count - filled, off_t(range.lowerBound + filled))
                if count < 0, errno == EINTR { continue }
                failed = count < 0
                guard count > 0 else { break }
                filled += count
            }
        }
        if failed { throw ScratchFolder.failure(path, "can't be read") }
        return bytes
    }
}
