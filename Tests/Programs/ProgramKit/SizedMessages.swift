import Glibc

/// Messages on standard input and output, each behind its length in four bytes, most significant first.
public enum SizedMessages {
    /// The next message; nil at the end of the input.
    public static func read() throws -> [UInt8]? {
        guard let head = try readExactly(4) else { return nil }
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        guard let message = try readExactly(count) else {
            throw FlagError("the input ended in the middle of a message")
        }
        return message
    }

    public static func write(_ message: [UInt8]) throws {
        let count = message.count
        let head = [UInt8(count >> 24 & 255), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
        try (head + message).withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let written = Glibc.write(STDOUT_FILENO, bytes.baseAddress! + offset, bytes.count - offset)
                guard written > 0 else { throw FlagError("cannot write to standard output") }
                offset += written
            }
        }
    }

    private static func readExactly(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(STDIN_FILENO, $0.baseAddress! + offset, count - offset)
            }
            guard got > 0 else {
                if offset == 0 { return nil }
                throw FlagError("the input ended in the middle of a message")
            }
            offset += got
        }
        return bytes
    }
}
