extension JSONCursor {
    mutating func string() throws(JSONProblem) -> String {
        let opening = try openString()
        // Most strings have no escapes and are a run of bytes.
        let run = plainRun()
        if position < end, position.pointee == UInt8(ascii: "\"") {
            defer { position += 1 }
            guard let text = String(validating: run, as: UTF8.self) else {
                throw problem("a string is not valid UTF-8", at: opening)
            }
            return text
        }
        var bytes = Array(run)
        try finishString(&bytes, opening)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw problem("a string is not valid UTF-8", at: opening)
        }
        return text
    }

    /// Appends a string's bytes, unescaped; they may be no UTF-8.
    mutating func string(into bytes: inout [UInt8]) throws(JSONProblem) {
        let opening = try openString()
        try finishString(&bytes, opening)
    }

    mutating func skipString() throws(JSONProblem) {
        let opening = try openString()
        _ = plainRun()
        if position < end, position.pointee == UInt8(ascii: "\"") {
            position += 1
            return
        }
        var rest: [UInt8] = []
        try finishString(&rest, opening)
    }

    private mutating func openString() throws(JSONProblem) -> UnsafePointer<UInt8> {
        guard peek() == UInt8(ascii: "\""), position < end else { throw found("a string is expected here") }
        position += 1
        return position - 1
    }

    /// Bytes up to a quote, a backslash, a control character or the end.
    private mutating func plainRun() -> UnsafeBufferPointer<UInt8> {
        let first = position
        while position < end {
            let byte = position.pointee
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            position += 1
        }
        return UnsafeBufferPointer(start: first, count: position - first)
    }

    private mutating func finishString(
        _ bytes: inout [UInt8], _ opening: UnsafePointer<UInt8>
    ) throws(JSONProblem) {
        while true {
            bytes.append(contentsOf: plainRun())
            guard position < end else { throw problem("a string is not closed", at: opening) }
            switch position.pointee {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try escape(&bytes)
            default: throw problem("a control character in a string has to be escaped")
            }
        }
    }

    private mutating func escape(_ bytes: inout [UInt8]) throws(JSONProblem) {
        let place = position
        guard end - position >= 2 else { throw problem("the text ends in an escape") }
        let letter = position[1]
        position += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "r"): bytes.append(13)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "u"):
            let scalar = try escapedScalar(place)
            guard let encoded = UTF8.encode(scalar) else { throw problem("a code point has no UTF-8", at: place) }
            bytes.append(contentsOf: encoded)
        default: throw problem("an escape is one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", at: place)
        }
    }

    /// What follows `\u`: four digits, or two times four for what is beyond them.
    private mutating func escapedScalar(_ place: UnsafePointer<UInt8>) throws(JSONProblem) -> UnicodeScalar {
        var value = try fourDigits(place)
        if value >= 0xd800, value < 0xdc00 {
            guard end - position >= 6, position[0] == UInt8(ascii: "\\"), position[1] == UInt8(ascii: "u") else {
                throw problem("half of a surrogate pair", at: place)
            }
            position += 2
            let low = try fourDigits(place)
            guard low >= 0xdc00, low < 0xe000 else { throw problem("half of a surrogate pair", at: place) }
            value = 0x1_0000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = UnicodeScalar(value) else { throw problem("half of a surrogate pair", at: place) }
        return scalar
    }

    private mutating func fourDigits(_ place: UnsafePointer<UInt8>) throws(JSONProblem) -> UInt32 {
        guard end - position >= 4 else { throw problem("the text ends in an escape", at: place) }
        var value: UInt32 = 0
        for index in 0..<4 {
            let digit: UInt8 =
                switch position[index] {
                case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): byte - UInt8(ascii: "0")
                case let byte where byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"):
                    (byte | 0x20) - UInt8(ascii: "a") + 10
                default: 255
                }
            guard digit < 16 else { throw problem("four hexadecimal digits follow \\u", at: place) }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }
}
