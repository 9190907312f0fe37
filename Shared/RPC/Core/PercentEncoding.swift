import HTTP

/// The encoding of `grpc-message`, and of the messages in a query.
extension PercentEncoding {
    /// Leaves printable ASCII but for `%` as it is.
    static func encode(_ text: String) -> String {
        func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") }
        return text.utf8.allSatisfy(isPlain) ? text : encode(text.utf8, leaving: isPlain)
    }

    /// Leaves only what needs no encoding in a query's value.
    static func encode(query text: some Sequence<UInt8>) -> String {
        encode(text) { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }

    /// Decodes what it can: a damaged message is better than none.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> [UInt8] {
        Array(text.utf8).withUnsafeBytes { decode($0, damage: .kept, plusIsSpace: plusIsSpace) ?? [] }
    }
}
