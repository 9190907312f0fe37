import Glibc

/// A file that only its owner may read. It is there as a whole or not at all.
package enum PrivateFile {
    /// Why a file could not be read or written.
    package struct Failure: Error, CustomStringConvertible {
        package let path: String
        package let reason: String
        package var description: String { "\(path): \(reason)" }
    }

    /// Writes a file in place of one that is there.
    package static func replace(_ bytes: [UInt8], at path: String) throws(Failure) {
        _ = try put(bytes, path, isReplacing: true)
    }

    /// Writes a file where there is none.
    /// - Returns: false where there is one; it stays as it is.
    package static func create(_ bytes: [UInt8], at path: String) throws(Failure) -> Bool {
        try put(bytes, path, isReplacing: false)
    }

    /// Through a file of another name beside it.
    private static func put(_ bytes: [UInt8], _ path: String, isReplacing: Bool) throws(Failure) -> Bool {
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure(path, "can't be made") }
        defer {
            close(descriptor)
            unlink(template)
        }
        guard fchmod(descriptor, 0o600) == 0 else { throw failure(path, "can't be kept from others") }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw failure(path, "can't be written") }
            written += max(0, count)
        }
        guard fsync(descriptor) == 0 else { throw failure(path, "can't be written") }
        guard (isReplacing ? rename(template, path) : link(template, path)) == 0 else {
            if !isReplacing, errno == EEXIST { return false }
            throw failure(path, "can't be put in its place")
        }
        try syncFolder(of: path)
        return true
    }

    /// The bytes of a file; nil where there is none.
    /// - Throws: also where others may read it, or it is longer than `limit`.
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "can't be read")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw failure(path, "can't be read") }
        guard facts.st_mode & 0o077 == 0 else {
            let mode = String(facts.st_mode & 0o777, radix: 8)
            throw Failure(path: path, reason: "others may read it (mode \(mode)): chmod 600 it")
        }
        guard facts.st_size <= limit else { throw Failure(path: path, reason: "is longer than \(limit) bytes") }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let part = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if part == 0 { break }
            guard part > 0 || errno == EINTR else { throw failure(path, "can't be read") }
            count += max(0, part)
        }
        return Array(bytes[..<count])
    }

    private static func syncFolder(of path: String) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "can't be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "can't be written") }
    }

    private static func failure(_ path: String, _ what: String) -> Failure {
        let number = errno
        defer { errno = number }
        return Failure(path: path, reason: "\(what): \(String(cString: strerror(number)))")
    }
}
