/// JSON from a cursor, strictly by its grammar. Memory goes to names and texts that are asked for, and nothing else.
final class JSONScanner: DocumentScanner {
    private let cursor: ByteCursor
    private let limits: RecognitionLimits
    private var depth = 0

    init(_ cursor: ByteCursor, limits: RecognitionLimits) {
        self.cursor = cursor
        self.limits = limits
    }

    func object(_ member: (String) throws -> Void) throws -> Bool {
        guard try open("{") else { return false }
        defer { depth -= 1 }
        if try take("}") { return true }
        repeat {
            let name = try string(keeping: true)
            try expect(":")
            try member(name)
        } while try take(",")
        try expect("}")
        return true
    }

    func list(_ element: () throws -> Void) throws -> Bool {
        guard try open("[") else { return false }
        defer { depth -= 1 }
        if try take("]") { return true }
        repeat { try element() } while try take(",")
        try expect("]")
        return true
    }

    func scalar() throws -> DocumentScalar? {
        switch try next() {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skip()
            return nil
        case UInt8(ascii: "\""): return .text(try string(keeping: true))
        default: return try bare()
        }
    }

    func skip() throws {
        var closers: [UInt8] = []
        while true {
            switch try next() {
            case UInt8(ascii: "{"):
                _ = try cursor.byte()
                if try !take("}") {
                    try push(UInt8(ascii: "}"), onto: &closers)
                    try name()
                    continue
                }
            case UInt8(ascii: "["):
                _ = try cursor.byte()
                if try !take("]") {
                    try push(UInt8(ascii: "]"), onto: &closers)
                    continue
                }
            case UInt8(ascii: "\""): _ = try string(keeping: false)
            default: try skipBare()
            }
            // A value is over, and with it perhaps what it is in.
            var isValueNext = false
            while let closer = closers.last, !isValueNext {
                let byte = try next()
                _ = try cursor.byte()
                if byte == closer {
                    closers.removeLast()
                } else if byte == UInt8(ascii: ",") {
                    if closer == UInt8(ascii: "}") { try name() }
                    isValueNext = true
                } else {
                    throw cursor.failure(.malformed, "a value is followed by neither a comma nor an end")
                }
            }
            if !isValueNext { return }
        }
    }

    /// Nothing but white space may be left.
    func end() throws {
        while let byte = try cursor.byteIfAny() {
            guard Self.isSpace(byte) else { throw cursor.failure(.malformed, "something follows the end of the value") }
        }
    }

    // MARK: Tokens

    private func push(_ closer: UInt8, onto closers: inout [UInt8]) throws {
        guard depth + closers.count < limits.depthMax else {
            throw cursor.failure(.limit, "values are nested too deeply")
        }
        closers.append(closer)
    }

    private func open(_ opener: Unicode.Scalar) throws -> Bool {
        guard try next() == UInt8(ascii: opener) else {
            try skip()
            return false
        }
        _ = try cursor.byte()
        guard depth < limits.depthMax else { throw cursor.failure(.limit, "values are nested too deeply") }
        depth += 1
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// The next byte that is no white space, not yet taken.
    private func next() throws -> UInt8 {
        while let byte = try cursor.peek() {
            if !Self.isSpace(byte) { return byte }
            _ = try cursor.byte()
        }
        throw cursor.failure(.truncated, "the document ends too early")
    }

    private func take(_ scalar: Unicode.Scalar) throws -> Bool {
        guard try next() == UInt8(ascii: scalar) else { return false }
        _ = try cursor.byte()
        return true
    }

    private func expect(_ scalar: Unicode.Scalar) throws {
        guard try take(scalar) else { throw cursor.failure(.malformed, "\"\(scalar)\" is missing") }
    }

    private func name() throws {
        _ = try string(keeping: false)
        try expect(":")
    }

    /// A number, true, false or null.
    private func bare() throws -> DocumentScalar {
        var bytes: [UInt8] = []
        while let byte = try cursor.peek(), Self.isBare(byte), bytes.count < 64 {
            bytes.append(byte)
            _ = try cursor.byte()
        }
        let text = String(decoding: bytes, as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "NaN", "Infinity", "-Infinity": return .number(text)
        default:
            guard let first = bytes.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                Double(text) != nil, !text.contains(where: { "xXpPnN".contains($0) })
            else { throw cursor.failure(.malformed, "a value is missing or misspelt") }
            return .number(text)
        }
    }

    /// The same without keeping it: most of a large document are numbers that nobody asks for.
    private func skipBare() throws {
        guard let first = try cursor.peek(), first == UInt8(ascii: "-") || Self.isDigit(first) else {
            _ = try bare()
            return
        }
        if first == UInt8(ascii: "-") {
            _ = try cursor.byte()
            if try cursor.peek() == UInt8(ascii: "I") { return try infinity() }
        }
        try digits()
        if try cursor.peek() == UInt8(ascii: ".") {
            _ = try cursor.byte()
            try digits()
        }
        if let byte = try cursor.peek(), byte | 0x20 == UInt8(ascii: "e") {
            _ = try cursor.byte()
            if let sign = try cursor.peek(), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                _ = try cursor.byte()
            }
            try digits()
        }
        if let byte = try cursor.peek(), Self.isBare(byte) { throw cursor.failure(.malformed, "a number is misspelt") }
    }

    private func infinity() throws {
        guard try cursor.bytes(8) == Array("Infinity".utf8) else {
            throw cursor.failure(.malformed, "a number is misspelt")
        }
    }

    private func digits() throws {
        guard let first = try cursor.peek(), Self.isDigit(first) else {
            throw cursor.failure(.malformed, "a number has no digits")
        }
        while let byte = try cursor.peek(), Self.isDigit(byte) { _ = try cursor.byte() }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."): true
        default: false
        }
    }

    private func string(keeping: Bool) throws -> String {
        guard try take("\"") else { throw cursor.failure(.malformed, "a text is missing") }
        var bytes: [UInt8] = []
        while true {
            let byte = try cursor.byte()
            switch byte {
            case UInt8(ascii: "\""): return keeping ? String(decoding: bytes, as: UTF8.self) : ""
            case 0..<0x20: throw cursor.failure(.malformed, "a text holds a control character")
            case UInt8(ascii: "\\"):
                let scalar = try escaped()
                if keeping { bytes.append(contentsOf: Array(String(scalar).utf8)) }
            default: if keeping { bytes.append(byte) }
            }
            guard bytes.count <= limits.nameBytesMax else { throw cursor.failure(.limit, "a text is too long") }
        }
    }

    private func escaped() throws -> Unicode.Scalar {
        switch try cursor.byte() {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            guard unit & 0xfc00 == 0xd800 else { return Unicode.Scalar(unit) ?? "\u{fffd}" }
            guard try cursor.peek() == UInt8(ascii: "\\") else { return "\u{fffd}" }
            _ = try cursor.byte()
            guard try cursor.byte() == UInt8(ascii: "u") else {
                throw cursor.failure(.malformed, "half a character is followed by something else")
            }
            let low = try hexadecimal()
            guard low & 0xfc00 == 0xdc00 else { return "\u{fffd}" }
            return Unicode.Scalar(0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff) ?? "\u{fffd}"
        default: throw cursor.failure(.malformed, "an escape is unknown")
        }
    }

    private func hexadecimal() throws -> UInt32 {
        guard let value = UInt32(String(decoding: try cursor.bytes(4), as: UTF8.self), radix: 16) else {
            throw cursor.failure(.malformed, "an escape has no four digits")
        }
        return value
    }
}
