internal import CLinux
internal import Glibc

/// A descriptor that is closed when nobody holds it any more.
final class OpenFile: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Throws: `SystemFault`.
    convenience init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SystemFault) {
        let descriptor = open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SystemFault("open", path) }
        self.init(descriptor)
    }

    /// Another descriptor of the same open file.
    /// - Throws: `SystemFault`.
    convenience init(duplicating file: OpenFile, from first: Int32 = 0) throws(SystemFault) {
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, first)
        guard copy >= 0 else { throw SystemFault("open", "a descriptor") }
        self.init(copy)
    }

    deinit { close(descriptor) }

    /// - Throws: `SystemFault` where not all of them go in.
    func write(_ bytes: ArraySlice<UInt8>, path: String) throws(SystemFault) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemFault("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    /// What the file has from an offset on, at most so much of it.
    func read(at offset: Int64, atMost count: Int) throws(SystemFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let (start, room) = (filled, count - filled)
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + start }, room, off_t(offset) + start)
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw SystemFault("read", "a file") }
            guard read > 0 else { break }
            filled += read
        }
        return Array(bytes.prefix(filled))
    }

    var size: Int64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Takes the lock of the open file: it holds until every copy of the descriptor is closed, in whatever process.
    /// False where another has it and `waits` is not set.
    func lock(waits: Bool, shared: Bool = false) -> Bool {
        let operation = (shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
        while slipway_flock(descriptor, operation) != 0 { guard errno == EINTR else { return false } }
        return true
    }
}
