extension YAMLReader {
    /// Whether a name with a colon stands here, without going on.
    func startsEntry() throws -> Bool {
        guard let first = current else { return false }
        if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") { return false }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            var ahead = self
            _ = try ahead.quoted()
            ahead.skipSpaces()
            return ahead.current == UInt8(ascii: ":") && Self.isSpaceOrEnd(ahead.byte(after: 1))
        }
        return endOfKey != nil
    }

    /// Where the colon of a plain name stands on this line.
    private var endOfKey: Int? {
        var place = position
        while place < bytes.count, bytes[place] != 0x0a {
            let next = place + 1 < bytes.count ? bytes[place + 1] : nil
            if bytes[place] == UInt8(ascii: ":"), Self.isSpaceOrEnd(next) { return place }
            if bytes[place] == UInt8(ascii: "#"), place > position, Self.isSpaceOrEnd(bytes[place - 1]) { return nil }
            place += 1
        }
        return nil
    }

    /// Takes a name with its colon.
    mutating func key() throws -> String {
        try refuseReferences()
        let name: String
        if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") {
            name = try quoted()
            skipSpaces()
        } else {
            guard let end = endOfKey else { throw failure("a name with a colon is missing") }
            if current == UInt8(ascii: "?") { throw failure("a name in several parts is not read", .unsupported) }
            name = Self.trimmed(bytes[position..<end])
            position = end
        }
        position += 1
        return name
    }

    /// Anchors, aliases and tags change what other values mean.
    private func refuseReferences() throws {
        switch current {
        case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"):
            throw failure("anchors, aliases and tags are not read", .unsupported)
        case UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "%"):
            throw failure("a value begins with a character that is reserved")
        default: break
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func scalar(_ text: String, line: Int) -> YAMLValue {
        ["", "~", "null", "Null", "NULL"].contains(text) ? .null : .text(text, line: line)
    }

    /// A plain scalar, which goes on over lines that are indented further.
    mutating func plain(below outer: Int) throws -> YAMLValue {
        try refuseReferences()
        var text = ""
        let first = line
        while true {
            let start = position
            while !isAtLineEnd {
                if current == UInt8(ascii: ":"), Self.isSpaceOrEnd(byte(after: 1)) {
                    throw failure("a colon stands inside a value")
                }
                position += 1
            }
            text += (text.isEmpty ? "" : " ") + Self.trimmed(bytes[start..<position])
            let hasComment = current == UInt8(ascii: "#")
            try endLine()
            var ahead = self
            guard !hasComment, let column = try ahead.nextLine(), column > outer else {
                return Self.scalar(text, line: first)
            }
            self = ahead
        }
    }

    /// A text in quotes, over several lines too: a line break in it is a space, an empty line is a line break.
    mutating func quoted() throws -> String {
        guard let quote = current else { throw failure("a text is missing") }
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            if byte == quote {
                position += 1
                guard quote == UInt8(ascii: "'"), current == quote else { return String(decoding: text, as: UTF8.self) }
                text.append(quote)
                position += 1
            } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                position += 1
                try escape(into: &text)
            } else if byte == 0x0a {
                foldLines(into: &text)
            } else {
                text.append(byte)
                position += 1
            }
        }
        throw failure("a text has no closing quote", .truncated)
    }

    private mutating func foldLines(into text: inout [UInt8]) {
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        var breaks = 0
        while current == 0x0a {
            breaks += 1
            breakLine()
            skipSpaces()
        }
        text.append(contentsOf: breaks == 1 ? [0x20] : [UInt8](repeating: 0x0a, count: breaks - 1))
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = current else { throw failure("a text has no closing quote", .truncated) }
        position += 1
        switch byte {
        case 0x0a:
            lineBreakEscaped()
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "0"): text.append(0)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: " "): text.append(byte)
        case UInt8(ascii: "x"): try code(2, into: &text)
        case UInt8(ascii: "u"): try code(4, into: &text)
        case UInt8(ascii: "U"): try code(8, into: &text)
        default: throw failure("an escape is unknown")
        }
    }

    private mutating func lineBreakEscaped() {
        position -= 1
        breakLine()
        skipSpaces()
    }

    private mutating func code(_ digits: Int, into text: inout [UInt8]) throws {
        let end = position + digits
        guard end <= bytes.count, let value = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
        else { throw failure("an escape has too few digits") }
        text.append(contentsOf: Array(String(Unicode.Scalar(value) ?? "\u{fffd}").utf8))
        position = end
    }

    /// A text behind `|` or `>`: the lines that are indented further, broken or folded.
    mutating func blockScalar(below outer: Int) throws -> String {
        let isFolded = current == UInt8(ascii: ">")
        position += 1
        var keeps = false
        var strips = false
        var indent: Int?
        while let byte = current, !Self.isSpaceOrEnd(byte) {
            switch byte {
            case UInt8(ascii: "+"): keeps = true
            case UInt8(ascii: "-"): strips = true
            case 0x31...0x39: indent = max(outer, 0) + Int(byte - 0x30)
            default: throw failure("a block scalar begins with something unknown")
            }
            position += 1
        }
        try endLine()
        var lines = try blockLines(below: outer, &indent)
        var trailing = 0
        while lines.last?.isEmpty == true {
            lines.removeLast()
            trailing += 1
        }
        guard !lines.isEmpty else { return "" }
        let text =
            isFolded ? Self.folded(lines) : lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        return text + (strips ? "" : String(repeating: "\n", count: keeps ? trailing + 1 : 1))
    }

    private mutating func blockLines(below outer: Int, _ indent: inout Int?) throws -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        while current == 0x0a {
            let before = self
            breakLine()
            let start = position
            while current == 0x20 { position += 1 }
            if current == 0x0a {
                lines.append([])
                continue
            }
            let column = position - start
            guard current != nil, column > outer, column >= indent ?? 0 else {
                self = before
                break
            }
            let first = indent ?? column
            indent = first
            while let byte = current, byte != 0x0a { position += 1 }
            lines.append(bytes[(start + first)..<position])
        }
        return lines
    }

    private static func folded(_ lines: [ArraySlice<UInt8>]) -> String {
        var text = ""
        var isFirst = true
        var emptyCount = 0
        for line in lines {
            if line.isEmpty {
                emptyCount += 1
                continue
            }
            if !isFirst { text += emptyCount == 0 ? " " : String(repeating: "\n", count: emptyCount) }
            text += String(decoding: line, as: UTF8.self)
            isFirst = false
            emptyCount = 0
        }
        return text
    }
}
