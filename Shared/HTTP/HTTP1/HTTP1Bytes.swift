import Glibc

/// Why a message is refused, with the status that a server answers.
struct HTTP1Failure: Error, Equatable {
    var status: Int
    var reason: String

    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}

/// How the end of a body is found.
enum HTTP1Framing: Equatable {
    /// There is no body.
    case none
    case length(Int)
    case chunked
    /// The body ends with the connection. Responses only.
    case untilClose
}

/// The character classes of RFC 9110.
enum HTTP1Characters {
    private static let tokens: [Bool] = table { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
    private static let values: [Bool] = table { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }
    private static let authorities: [Bool] = table { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+;=:[]%".utf8.contains(byte)
        }
    }

    private static func table(_ accepts: (UInt8) -> Bool) -> [Bool] { (0...255).map { accepts(UInt8($0)) } }

    static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool { !bytes.isEmpty && all(bytes, tokens) }
    static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool { all(bytes, values) }
    static func isAuthority(_ bytes: UnsafeRawBufferPointer) -> Bool { all(bytes, authorities) }
    /// Visible ASCII without a fragment.
    static func isTarget(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
    }

    private static func all(_ bytes: UnsafeRawBufferPointer, _ table: [Bool]) -> Bool {
        table.withUnsafeBufferPointer { table in bytes.allSatisfy { table[Int($0)] } }
    }
}

extension UnsafeRawBufferPointer {
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    /// The place of `byte` at or after `start`.
    func index(of byte: UInt8, from start: Int) -> Int? {
        guard start < count, let base = baseAddress, let found = memchr(base + start, Int32(byte), count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - base
    }

    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount, let baseAddress else { return count == 0 && text.utf8CodeUnitCount == 0 }
        return memcmp(baseAddress, text.utf8Start, count) == 0
    }

    /// `text` must be lower-case.
    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index].asciiLowercased != text.utf8Start[index] { return false }
        return true
    }

    func hasPrefixIgnoringCase(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && part(0..<text.utf8CodeUnitCount).equalsIgnoringCase(text)
    }

    /// Without spaces and tabs around it.
    var trimmed: UnsafeRawBufferPointer {
        var start = 0
        var end = count
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return part(start..<end)
    }

    /// Decimal digits and nothing else; nil also where the number is beyond `Int`.
    var decimal: Int? {
        guard !isEmpty, count <= 18 else { return nil }
        var value = 0
        for byte in self {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
