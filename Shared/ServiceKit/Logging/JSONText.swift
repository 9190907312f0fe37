/// Texts in JSON.
package enum JSONText {
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(0x22)
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }) {
            bytes.append(contentsOf: text.utf8)
        } else {
            for byte in text.utf8 { append(escaping: byte, to: &bytes) }
        }
        bytes.append(0x22)
    }

    private static func append(escaping byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case 0x22: bytes += [0x5c, 0x22]
        case 0x5c: bytes += [0x5c, 0x5c]
        case 0x0a: bytes += [0x5c, 0x6e]
        case 0x0d: bytes += [0x5c, 0x72]
        case 0x09: bytes += [0x5c, 0x74]
        case 0..<0x20, 0x7f:
            let digits = Array("0123456789abcdef".utf8)
            bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: bytes.append(byte)
        }
    }

    package static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Parameter members: values that are JSON, by name, in their order.
    package static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
}
