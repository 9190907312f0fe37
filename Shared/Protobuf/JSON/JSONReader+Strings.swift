extension JSONReader {
    public mutating func string() throws -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw failure(.invalidValue, "a string is expected here") }
        position += 1
        let first = position
        while position < end {
            let byte = position.pointee
            if byte == UInt8(ascii: "\"") {
                let text = try validated(UnsafeBufferPointer(start: first, count: position - first))
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(first) }
            if byte < 0x20 { throw failure(.malformed, "a control character stands bare in a string") }
            position += 1
        }
        throw failure(.truncated, "the JSON text ends inside a string")
    }

    private func validated(_ text: UnsafeBufferPointer<UInt8>) throws -> String {
        guard let value = String(utf8: text) else {
            throw failure(.invalidUTF8, "a string is not valid UTF-8")
        }
        return value
    }

    private mutating func escapedString(_ first: UnsafePointer<UInt8>) throws -> String {
        var text = Array(UnsafeBufferPointer(start: first, count: position - first))
        while position < end {
            let byte = position.pointee
            switch byte {
            case UInt8(ascii: "\""):
                let value = try text.withUnsafeBufferPointer { try validated($0) }
                position += 1
                return value
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20: throw failure(.malformed, "a control character stands bare in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure(.truncated, "the JSON text ends inside a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard position < end else { throw failure(.truncated, "the JSON text ends inside a string") }
        let byte = position.pointee
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encode(try scalar()) ?? UTF8.encodedReplacementCharacter)
        default:
            position -= 1
            throw failure(.malformed, "a string has an unknown escape")
        }
    }

    /// The scalar of a `\u` escape, and of the second one where the first is half of a pair.
    private mutating func scalar() throws -> Unicode.Scalar {
        let high = try hexadecimal()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xdc00, end - position >= 2, position[0] == UInt8(ascii: "\\"), position[1] == UInt8(ascii: "u")
        else { throw failure(.malformed, "half of a surrogate pair stands alone") }
        position += 2
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
        else { throw failure(.malformed, "half of a surrogate pair stands alone") }
        return scalar
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard end - position >= 4 else { throw failure(.truncated, "the JSON text ends inside a string") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch position.pointee {
            case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"): digit = byte - 87
            case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"): digit = byte - 55
            default: throw failure(.malformed, "a \\u escape needs four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    public mutating func base64() throws -> Bytes {
        let text = try string()
        guard let bytes = Base64.decode(text) else { throw failure(.invalidValue, "a string is not base64") }
        return bytes[...]
    }
}
