internal import CLinux
import Glibc

/// An open file or folder; closed when nobody holds it any more, and with it go the locks taken through it.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    init(_ path: String, _ flags: Int32, mode: mode_t = 0o640) throws(BlobError) {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw BlobError("open", path, number: errno) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func status() throws(BlobError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BlobError("stat", path, number: errno) }
        return status
    }

    func synchronise() throws(BlobError) {
        guard fsync(descriptor) == 0 else { throw BlobError("fsync", path, number: errno) }
    }

    /// Makes everything durable that was written to the file's file system, by whomever.
    func synchroniseFileSystem() throws(BlobError) {
        guard slipway_sync_filesystem(descriptor) == 0 else { throw BlobError("syncfs", path, number: errno) }
    }

    func truncate(to size: Int64) throws(BlobError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw BlobError("truncate", path, number: errno) }
    }

    /// Waits for the lock. Only for locks that are held for the time of some system calls.
    func lock(_ kind: FileLock) throws(BlobError) {
        while slipway_flock(descriptor, kind.operation) != 0 {
            guard errno == EINTR else { throw BlobError("lock", path, number: errno) }
        }
    }

    /// False where somebody holds it.
    func tryLock(_ kind: FileLock) throws(BlobError) -> Bool {
        while slipway_flock(descriptor, kind.operation | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw BlobError("lock", path, number: errno) }
        }
        return true
    }

    /// Gives the lock back now: work that just ended may still hold the file for a moment.
    func unlock() { _ = slipway_flock(descriptor, LOCK_UN) }

    /// Writes everything, or throws with some of it written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(BlobError) {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw BlobError("write", path, number: count < 0 ? errno : ENOSPC) }
            done += count
        }
    }

    /// Fills the buffer as far as the file goes.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(BlobError) -> Int {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BlobError("read", path, number: errno) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Feeds a range to a hasher.
    func hash(_ range: Range<Int64>, into hasher: BlobHasher) throws(BlobError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var position = range.lowerBound
        while position < range.upperBound {
            let wanted = Int(min(Int64(buffer.count), range.upperBound - position))
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: position)
            guard count > 0 else {
                throw BlobError(.corrupt, "\(path) ends at \(position), before \(range.upperBound)")
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
        }
    }
}

enum FileLock {
    case shared
    case exclusive

    fileprivate var operation: Int32 { self == .shared ? LOCK_SH : LOCK_EX }
}

/// System calls on paths, with errors that name them.
enum Files {
    static func makeFolder(_ path: String) throws(BlobError) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw BlobError("mkdir", path, number: errno) }
    }

    static func rename(_ from: String, _ to: String) throws(BlobError) {
        guard Glibc.rename(from, to) == 0 else { throw BlobError("rename", from, number: errno) }
    }

    /// Does nothing where there is no such file.
    static func remove(_ path: String) throws(BlobError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw BlobError("unlink", path, number: errno) }
    }

    /// Does nothing where there is no such folder.
    static func removeFolder(_ path: String) throws(BlobError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw BlobError("rmdir", path, number: errno) }
    }

    /// Makes what was created, renamed or removed in a folder durable.
    static func synchroniseFolder(_ path: String) throws(BlobError) {
        try OpenFile(path, O_RDONLY | O_DIRECTORY).synchronise()
    }

    /// Names in a folder, sorted, without those that begin with a dot.
    static func names(in path: String) throws(BlobError) -> [String] {
        guard let folder = opendir(path) else { throw BlobError("opendir", path, number: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// Nil where there is no such file.
    static func status(_ path: String) throws(BlobError) -> stat? {
        var status = Glibc.stat()
        if lstat(path, &status) == 0 { return status }
        guard errno == ENOENT else { throw BlobError("stat", path, number: errno) }
        return nil
    }

    /// A small file's text.
    static func text(_ path: String) throws -> String {
        let file = try OpenFile(path, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Replaces a small file: whoever reads it sees the old text or the new one.
    static func replace(_ path: String, with text: String) throws {
        let temporary = path + ".new"
        do {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC)
            let bytes = Array(text.utf8)
            try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            try file.synchronise()
        }
        try rename(temporary, path)
    }
}

/// A point of the files' clock in nanoseconds.
struct FileTime: Comparable, Hashable {
    let nanoseconds: Int64

    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    init(_ time: timespec) { nanoseconds = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }

    static var now: FileTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return FileTime(time)
    }

    var systemTime: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }

    static func < (left: FileTime, right: FileTime) -> Bool { left.nanoseconds < right.nanoseconds }
}
