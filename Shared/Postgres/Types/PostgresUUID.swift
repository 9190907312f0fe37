/// A `uuid`.
public struct PostgresUUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 122 random bits (version 4).
    public static func random() -> PostgresUUID {
        var generator = SystemRandomNumberGenerator()
        let high = generator.next() & ~0xF000 | 0x4000
        return PostgresUUID(high: high, low: generator.next() >> 2 | 0x8000_0000_0000_0000)
    }

    /// The usual form, 8-4-4-4-12 hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 36 else { return nil }
        var value: (high: UInt64, low: UInt64) = (0, 0)
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard digit == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let nibble = Character(UnicodeScalar(digit)).hexDigitValue, digit < 128 else { return nil }
            value.high = value.high << 4 | value.low >> 60
            value.low = value.low << 4 | UInt64(nibble)
        }
        (high, low) = value
    }

    public var description: String {
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        return hex(high >> 32, 8) + "-" + hex(high >> 16 & 0xFFFF, 4) + "-" + hex(high & 0xFFFF, 4) + "-"
            + hex(low >> 48, 4) + "-" + hex(low & 0xFFFF_FFFF_FFFF, 12)
    }

    public static func < (left: PostgresUUID, right: PostgresUUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension PostgresUUID: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .uuid }

    public func encode(into buffer: inout [UInt8]) {
        buffer.appendBigEndian(high)
        buffer.appendBigEndian(low)
    }

    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> PostgresUUID {
        guard cell.type == .uuid else { throw .mismatch }
        guard cell.bytes.count == 16 else { throw .malformed("\(cell.bytes.count) bytes") }
        return PostgresUUID(
            high: UInt64(bigEndian: cell.bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: cell.bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}
