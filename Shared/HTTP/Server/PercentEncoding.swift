/// Percent-encoding in paths (RFC 3986, section 2.1). A plus sign is a plus sign.
enum PercentEncoding {
    /// Nil where a percent sign is not followed by two hexadecimal digits, or the bytes are no UTF-8.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let decoded = self.bytes(bytes) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    static func bytes(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard bytes.contains(UInt8(ascii: "%")) else { return Array(bytes) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]) else {
                return nil
            }
            decoded.append(high << 4 | low)
            index += 3
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
