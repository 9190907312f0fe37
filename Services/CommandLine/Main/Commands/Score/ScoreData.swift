import CommandLineKit
import Glibc

/// What goes to an endpoint, as `--data` says: a text, `@file`, or `-` for the standard input.
struct ScoreData {
    let bytes: [UInt8]
    /// The file's name, where there is one.
    let file: String

    private static let bytesMax = 1 << 30

    /// - Throws: `Failure` where it can't be read.
    init(_ text: String) throws {
        guard text == "-" || text.hasPrefix("@") else {
            bytes = Array(text.utf8)
            file = ""
            return
        }
        file = text == "-" ? "" : String(text.dropFirst())
        bytes = try ScoreData.read(text == "-" ? "-" : file)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        func failure() -> Failure {
            Failure(
                errno == ENOENT ? .notFound : .failed,
                "cannot read the data from \(path): \(String(cString: strerror(errno)))")
        }
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            guard count > 0 || errno == EINTR else { throw failure() }
            bytes += piece.prefix(max(0, count))
            guard bytes.count <= bytesMax else { throw Failure(.usage, "the data in \(path) are over a gigabyte") }
        }
    }

    /// What the data are, by the file's ending.
    var type: String { file.hasSuffix(".csv") ? "text/csv" : "application/json" }

    /// Whether this is a request of the Open Inference Protocol, whose inputs say their types.
    var isInference: Bool {
        guard type == "application/json", bytes.count <= 64 << 20,
            let document = try? Document(parsing: String(decoding: bytes, as: UTF8.self)),
            case .list(let inputs)? = document["inputs"]
        else { return false }
        return !inputs.isEmpty && inputs.allSatisfy { $0["datatype"] != nil }
    }
}
