/// Percent-encoding (RFC 3986, section 2.1). A plus sign is a plus sign unless said otherwise.
public enum PercentEncoding {
    /// What becomes of a percent sign that is not followed by two hexadecimal digits.
    public enum Damage { case refused, kept }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Leaves the bytes as they are for which `isPlain` holds.
    @inlinable
    public static func encode(_ text: String, leaving isPlain: (UInt8) -> Bool) -> String {
        text.utf8.allSatisfy(isPlain) ? text : encode(text.utf8, leaving: isPlain)
    }

    /// Leaves the bytes as they are for which `isPlain` holds.
    public static func encode(_ bytes: some Sequence<UInt8>, leaving isPlain: (UInt8) -> Bool) -> String {
        var encoded: [UInt8] = []
        for byte in bytes {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Nil where something is damaged and that is refused.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, damage: Damage, plusIsSpace: Bool = false
    ) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                if index + 1 < bytes.count, let high = digit(bytes[index]), let low = digit(bytes[index + 1]) {
                    byte = high << 4 | low
                    index += 2
                } else if case .refused = damage {
                    return nil
                }
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                byte = UInt8(ascii: " ")
            }
            decoded.append(byte)
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
