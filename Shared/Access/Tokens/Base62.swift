/// Letters and digits only, so that a double click takes all of it.
enum Base62 {
    static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// What each byte is worth; 255 for what is no digit.
    private static let worth: [UInt8] = {
        var worth = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { worth[Int(digit)] = UInt8(value) }
        return worth
    }()

    static func areDigits(_ bytes: UnsafeRawBufferPointer) -> Bool {
        worth.withUnsafeBufferPointer { worth in
            // Without a way out in the middle: every byte is looked at, whatever it is.
            bytes.reduce(UInt8(0)) { $0 | worth[Int($1)] } != 255
        }
    }

    /// At most ten digits, which fit; nil where there is anything else.
    static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count <= 10, areDigits(bytes) else { return nil }
        return worth.withUnsafeBufferPointer { worth in
            bytes.reduce(UInt64(0)) { $0 &* 62 &+ UInt64(worth[Int($1)]) }
        }
    }

    static func text(_ number: UInt64, count: Int) -> String {
        var number = number
        var bytes: [UInt8] = []
        for _ in 0..<count {
            bytes.append(digits[Int(number % 62)])
            number /= 62
        }
        return String(decoding: bytes.reversed(), as: UTF8.self)
    }
}

/// The checksum of zlib and Ethernet.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
        }
    }
}
