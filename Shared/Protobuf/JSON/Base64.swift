/// RFC 4648 base64: written with the standard alphabet and padding, read with either alphabet, padded or not.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The 6-bit value of each character of either alphabet, 255 for every other.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (index, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(index) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    public static func encode(_ bytes: Bytes, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        let alphabet = alphabet
        var index = bytes.startIndex
        while index + 2 < bytes.endIndex {
            let group = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            output.append(alphabet[group >> 18])
            output.append(alphabet[group >> 12 & 63])
            output.append(alphabet[group >> 6 & 63])
            output.append(alphabet[group & 63])
            index += 3
        }
        switch bytes.endIndex - index {
        case 1:
            let group = Int(bytes[index]) << 16
            output += [alphabet[group >> 18], alphabet[group >> 12 & 63], UInt8(ascii: "="), UInt8(ascii: "=")]
        case 2:
            let group = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8
            output += [
                alphabet[group >> 18], alphabet[group >> 12 & 63], alphabet[group >> 6 & 63], UInt8(ascii: "="),
            ]
        default: break
        }
    }

    public static func encode(_ bytes: Bytes) -> String {
        var output: [UInt8] = []
        encode(bytes, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The decoded bytes, or nil when the text is not base64.
    public static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var count = text.count
        var padding = 0
        while count > 0, padding < 2, text[count - 1] == UInt8(ascii: "=") {
            count -= 1
            padding += 1
        }
        if padding > 0, text.count % 4 != 0 { return nil }
        if count % 4 == 1 { return nil }
        let values = values
        var output: [UInt8] = []
        output.reserveCapacity(count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits = 0
        for index in 0..<count {
            let value = values[Int(text[index])]
            if value == 255 { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return output
    }

    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode($0) }
    }
}
