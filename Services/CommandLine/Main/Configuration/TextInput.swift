import CommandLineKit
import Glibc

/// Texts that come from a file or from the standard input.
enum TextInput {
    private static let bytesMax = 1 << 20

    /// All of a file; `-` is the standard input.
    /// - Throws: `Failure`, also for what is a megabyte and more, or no UTF-8.
    static func read(_ path: String, what: String) throws -> String {
        func failure() -> Failure {
            Failure(.failed, "cannot read the \(what) from \(path): \(String(cString: strerror(errno)))")
        }
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { break }
            guard count > 0 || errno == EINTR else { throw failure() }
            bytes += piece.prefix(max(0, count))
            guard bytes.count <= bytesMax else { throw Failure(.usage, "the \(what) in \(path) are over a megabyte") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.usage, "the \(what) in \(path) are no UTF-8")
        }
        return text
    }
}
