/// Writes JSON. Numbers are as short as they can be and still read as the same value; what JSON has no number for is
/// written as Python does: `NaN`, `Infinity`, `-Infinity`.
struct JSONOutput {
    private(set) var bytes: [UInt8] = []

    init(reserving capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    mutating func literal(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// JSON that was written elsewhere.
    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    /// A text from bytes; what is no UTF-8 is replaced.
    mutating func string(_ utf8: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        if (try? UTF8Span(validating: utf8.span)) != nil {
            escape(utf8)
        } else {
            var repaired = String(decoding: utf8, as: UTF8.self)
            repaired.withUTF8 { escape($0) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ utf8: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in utf8.indices {
            let byte = utf8[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7f else {
                continue
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
            start = index + 1
            switch byte {
            case UInt8(ascii: "\""): literal("\\\"")
            case UInt8(ascii: "\\"): literal("\\\\")
            case 0x0a: literal("\\n")
            case 0x0d: literal("\\r")
            case 0x09: literal("\\t")
            default:
                literal("\\u00")
                bytes.append(JSONOutput.hexadecimal(byte >> 4))
                bytes.append(JSONOutput.hexadecimal(byte & 15))
            }
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        unsigned(UInt64(value.magnitude))
    }

    private mutating func unsigned(_ value: UInt64) {
        guard value >= 10 else { return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var start = 20
            while rest > 0 {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    mutating func number(_ value: Double) {
        // Whole numbers are frequent, and need no search for the shortest text.
        if value.magnitude < 1_000_000, let whole = Int(exactly: value), whole != 0 || value.sign == .plus {
            integer(whole)
            return literal(".0")
        }
        guard value.isFinite else { return special(value.isNaN, value < 0) }
        bytes.append(contentsOf: value.description.utf8)
    }

    mutating func number(_ value: Float) {
        if value.magnitude < 1_000_000, let whole = Int(exactly: value), whole != 0 || value.sign == .plus {
            integer(whole)
            return literal(".0")
        }
        guard value.isFinite else { return special(value.isNaN, value < 0) }
        bytes.append(contentsOf: value.description.utf8)
    }

    private mutating func special(_ isNaN: Bool, _ isNegative: Bool) {
        if isNaN { return literal("NaN") }
        if isNegative { literal("-Infinity") } else { literal("Infinity") }
    }

    mutating func bool(_ value: Bool) {
        if value { literal("true") } else { literal("false") }
    }

    /// Values between brackets or braces, with commas.
    mutating func list<Elements: Sequence>(
        _ elements: Elements, open: UInt8 = UInt8(ascii: "["), close: UInt8 = UInt8(ascii: "]"),
        _ write: (inout JSONOutput, Elements.Element) -> Void
    ) {
        bytes.append(open)
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, element)
        }
        bytes.append(close)
    }

    mutating func tree(_ tree: JSONTree) {
        switch tree {
        case .null: literal("null")
        case .bool(let value): bool(value)
        case .number(let text), .text(let text): raw(text)
        case .string(let text): string(text)
        case .array(let elements): list(elements) { $0.tree($1) }
        case .object(let members):
            list(members, open: UInt8(ascii: "{"), close: UInt8(ascii: "}")) { output, member in
                output.string(member.name)
                output.byte(UInt8(ascii: ":"))
                output.tree(member.value)
            }
        }
    }
}
