import HTTP
import Protobuf

/// Facts that travel beside a call's messages. Keys are lower-case; values of keys that end in `-bin` are bytes, carried
/// in base64, and all others printable ASCII.
public struct Metadata: Sendable, Equatable {
    var fields: HeaderFields

    public init() { fields = HeaderFields() }
    init(fields: HeaderFields) { self.fields = fields }

    public var isEmpty: Bool { fields.isEmpty }

    /// The first text of the key.
    public subscript(key: String) -> String? { fields[key] }

    /// Every text of the key, in order.
    public func values(_ key: String) -> [String] { fields.values(key) }

    /// Every value of a `-bin` key, decoded; what is no base64 is left out.
    public func binary(_ key: String) -> [[UInt8]] {
        fields.values(key).flatMap { joined in
            // A peer may join several values with commas, which base64 has none of.
            joined.split(separator: ",").compactMap { part in
                Base64.decode(String(part.drop { $0 == " " }))
            }
        }
    }

    public mutating func add(_ key: String, _ value: String) { fields.add(key, value) }

    /// Adds bytes; the key must end in `-bin`.
    public mutating func add(_ key: String, binary value: [UInt8]) {
        precondition(key.hasSuffix("-bin"), "the key of binary metadata ends in -bin: \(key)")
        var text = Base64.encode(value[...])
        while text.last == "=" { text.removeLast() }
        fields.add(key, text)
    }

    public mutating func set(_ key: String, _ value: String) { fields.set(key, value) }

    public mutating func remove(_ key: String) { fields.remove(key) }

    public mutating func append(_ other: Metadata) {
        other.fields.forEachBytes { fields.add(name: $0, value: $1) }
    }

    /// Why the metadata can't be sent, if so.
    var defect: String? {
        for (key, value) in fields {
            if !Metadata.isKey(key) {
                return "the metadata key \"\(key)\" may hold only a–z, 0–9, '_', '-' and '.'"
            }
            if Metadata.isReserved(key) { return "the metadata key \"\(key)\" belongs to the protocol" }
            if !value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
                return "the value of \"\(key)\" is not printable ASCII; a key that ends in -bin carries bytes"
            }
        }
        return nil
    }

    static func isKey(_ key: String) -> Bool { !key.isEmpty && key.utf8.allSatisfy(isKeyByte) }

    /// A value that every protocol can carry: other bytes become `?`, and spaces around it go.
    static func printable(_ value: String) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 }
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }), value.utf8.first.map(isSpace) != true,
            value.utf8.last.map(isSpace) != true
        {
            return value
        }
        var bytes = value.utf8.map { $0 >= 0x20 && $0 < 0x7f ? $0 : UInt8(ascii: "?") }[...]
        bytes = bytes.drop(while: isSpace)
        while bytes.last.map(isSpace) == true { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Keys that the protocols use themselves.
    static func isReserved(_ key: String) -> Bool {
        switch key {
        case "content-type", "content-length", "content-encoding", "accept-encoding", "te", "trailer",
            "transfer-encoding", "connection", "host", "keep-alive", "proxy-connection", "upgrade":
            true
        case "grpc-status", "grpc-message", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
            "grpc-status-details-bin":
            true
        default: key.hasPrefix("connect-") || key.hasPrefix(":")
        }
    }

    /// The fields without those that belong to a protocol.
    func withoutReserved() -> Metadata {
        var kept = Metadata()
        for (key, value) in fields where !Metadata.isReserved(key) { kept.add(key, value) }
        return kept
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (key, value) in elements { add(key, value) }
    }
}

extension Metadata: Sequence {
    /// Keys and texts in order; values of `-bin` keys as base64.
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { fields.makeIterator() }
}
