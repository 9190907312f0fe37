import CommandLineKit
import Glibc

/// A file that is there whole or not at all, or the standard output. Blocks. What was not finished is removed with the last
/// reference.
final class ExportFile {
    private let path: String
    private let part: String
    private let descriptor: Int32
    private var isFinished = false

    /// - Parameter path: `-` is the standard output.
    /// - Throws: `Failure` where something is in the place that may not be replaced.
    init(_ path: String, replaces: Bool) throws {
        self.path = path
        guard path != "-" else {
            part = ""
            descriptor = STDOUT_FILENO
            return
        }
        var facts = stat()
        if stat(path, &facts) == 0 {
            guard facts.st_mode & S_IFMT == S_IFREG else { throw Failure(.usage, "\(path) is there and is no file") }
            guard replaces else { throw Failure(.conflict, "\(path) is there; --force replaces it") }
        }
        part = "\(path).\(getpid()).part"
        descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(.failed, "\(part): \(String(cString: strerror(errno)))") }
    }

    deinit {
        guard !part.isEmpty else { return }
        close(descriptor)
        if !isFinished { unlink(part) }
    }

    /// - Throws: `Failure` where there is no room, or nobody reads any more.
    func append(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                guard count > 0 || errno == EINTR else { throw failure() }
                written += max(0, count)
            }
        }
    }

    /// Puts the file in its place.
    func finish() throws {
        guard !part.isEmpty else { return }
        guard fsync(descriptor) == 0, rename(part, path) == 0 else { throw failure() }
        isFinished = true
    }

    private func failure() -> Failure { Failure(.failed, "\(path): \(String(cString: strerror(errno)))") }
}
