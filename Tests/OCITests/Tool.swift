import Glibc
import Testing

/// Other programs, which read what we write and write what we read.
enum Tool {
    struct Failure: Error {
        let status: Int32
        let command: String
    }

    static func folder() throws -> String {
        var template = Array("/tmp/slipway-oci-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(status: errno, command: "mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ folder: String) { _ = try? shell("rm -rf '\(folder)'") }

    static func shell(_ command: String) throws {
        let status = system(command)
        guard status == 0 else { throw Failure(status: status, command: command) }
    }

    static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> String {
        String(decoding: try bytes(program, arguments, input: input), as: UTF8.self)
    }

    /// What the program prints.
    static func bytes(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
        let folder = try folder()
        defer { remove(folder) }
        let file = fopen("\(folder)/in", "w")
        input.withUnsafeBytes { bytes in _ = fwrite(bytes.baseAddress, 1, bytes.count, file) }
        fclose(file)
        let words = ([program] + arguments).map { "'\($0)'" }.joined(separator: " ")
        try shell("\(words) < '\(folder)/in' > '\(folder)/out' 2> /dev/null")
        return try contents("\(folder)/out")
    }

    static func contents(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Failure(status: errno, command: path) }
        defer { fclose(file) }
        var result: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                count = fread(buffer.baseAddress, 1, 65536, file)
            }
            if piece.isEmpty { return result }
            result += piece
        }
    }
}
