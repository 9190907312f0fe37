import Glibc
import Testing

/// A folder that is gone with whoever holds it.
final class TemporaryFolder: Sendable {
    let path: String

    struct Failure: Error {}

    init() throws {
        var template = Array("/tmp/slipway-target-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
    }

    deinit { _ = system("rm -rf '\(path)'") }
}

enum Bytes {
    struct Unreadable: Error {
        let path: String
    }

    static func ofFile(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "re") else { throw Unreadable(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }
}
