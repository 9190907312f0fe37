/// Reads the part of YAML that environment files and `MLmodel` use: maps, lists, plain and quoted scalars, block
/// scalars, and lists and maps in brackets. Anchors, aliases, tags and several documents are refused by name, so that
/// nothing is read as something else than it is.
package struct YAMLReader {
    var bytes: [UInt8]
    var position = 0
    /// Where the current line begins.
    var lineStart = 0
    private(set) var line = 1
    private var valuesLeft: Int
    let depthMax: Int

    init(_ bytes: [UInt8], depthMax: Int, valuesMax: Int) {
        self.bytes = bytes.contains(0x0d) ? bytes.filter { $0 != 0x0d } : bytes
        if self.bytes.starts(with: [0xef, 0xbb, 0xbf]) { self.bytes.removeFirst(3) }
        self.depthMax = depthMax
        valuesLeft = valuesMax
    }

    /// Reads one document.
    /// - Throws: `YAMLError` with line and column.
    package static func read(_ bytes: [UInt8], depthMax: Int = 32, valuesMax: Int = 10_000) throws -> YAMLValue {
        var reader = YAMLReader(bytes, depthMax: depthMax, valuesMax: valuesMax)
        if try reader.nextLine() != nil, reader.isMarker("---") {
            reader.position += 3
            try reader.endLine()
        }
        let value = try reader.block(below: -1, depth: 0)
        if try reader.nextLine() != nil, !reader.isMarker("...") {
            throw reader.failure(
                reader.isMarker("---") ? "a second document begins" : "a line is not indented like its neighbours")
        }
        return value
    }

    // MARK: Blocks

    /// The value on the next lines, if they are indented further than what it belongs to.
    mutating func block(below outer: Int, depth: Int) throws -> YAMLValue {
        guard let column = try nextLine(), column > outer, !isMarker("---"), !isMarker("...") else { return .null }
        return try value(at: column, below: outer, depth: depth)
    }

    /// The value that begins here.
    private mutating func value(at column: Int, below outer: Int, depth: Int) throws -> YAMLValue {
        try count(depth)
        if isDash { return try list(at: column, depth: depth) }
        if try startsEntry() { return try map(at: column, depth: depth) }
        return try inline(below: outer, depth: depth)
    }

    private mutating func list(at column: Int, depth: Int) throws -> YAMLValue {
        var list: [YAMLValue] = []
        repeat {
            position += 1
            skipSpaces()
            if isAtLineEnd {
                list.append(try block(below: column, depth: depth + 1))
            } else {
                list.append(try value(at: position - lineStart, below: column, depth: depth + 1))
            }
        } while try nextLine() == column && isDash
        return .list(list)
    }

    private mutating func map(at column: Int, depth: Int) throws -> YAMLValue {
        var entries: [YAMLEntry] = []
        var names: Set<String> = []
        repeat {
            guard try startsEntry() else { throw failure("a name with a colon is missing") }
            let name = try key()
            guard names.insert(name).inserted else { throw failure("the name \"\(name.prefix(100))\" is given twice") }
            skipSpaces()
            entries.append(YAMLEntry(name: name, value: try entryValue(column, depth: depth + 1)))
        } while try nextLine() == column && !isDash && !isMarker("---") && !isMarker("...")
        return .map(entries)
    }

    private mutating func entryValue(_ column: Int, depth: Int) throws -> YAMLValue {
        guard isAtLineEnd else {
            try count(depth)
            return try inline(below: column, depth: depth)
        }
        // A list may stand as far left as the name it belongs to.
        if let next = try nextLine(), next == column, isDash {
            try count(depth)
            return try list(at: column, depth: depth)
        }
        return try block(below: column, depth: depth)
    }

    /// A scalar, or something in brackets, that ends its line.
    private mutating func inline(below outer: Int, depth: Int) throws -> YAMLValue {
        switch current {
        case UInt8(ascii: "|"), UInt8(ascii: ">"):
            let first = line
            return .text(try blockScalar(below: outer), line: first)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let first = line
            let text = try quoted()
            try endLine()
            return .text(text, line: first)
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            let value = try flow(depth: depth)
            try endLine()
            return value
        default: return try plain(below: outer)
        }
    }

    /// Refuses what is too deep or too much.
    mutating func count(_ depth: Int) throws {
        guard depth < depthMax else { throw failure("values are nested too deeply", .limit) }
        guard valuesLeft > 0 else { throw failure("there are too many values", .limit) }
        valuesLeft -= 1
    }

    // MARK: Lines

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    func byte(after distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    static func isSpaceOrEnd(_ byte: UInt8?) -> Bool { byte == nil || byte == 0x20 || byte == 0x09 || byte == 0x0a }

    private var isDash: Bool { current == UInt8(ascii: "-") && Self.isSpaceOrEnd(byte(after: 1)) }

    private func isMarker(_ marker: String) -> Bool {
        position == lineStart && bytes[min(position, bytes.count)...].starts(with: marker.utf8)
            && Self.isSpaceOrEnd(byte(after: 3))
    }

    /// Whether nothing but a comment is left on the line.
    var isAtLineEnd: Bool {
        guard let current else { return true }
        guard current == UInt8(ascii: "#") else { return current == 0x0a }
        return position == lineStart || Self.isSpaceOrEnd(bytes[position - 1])
    }

    mutating func skipSpaces() {
        while let current, current == 0x20 || current == 0x09 { position += 1 }
    }

    mutating func breakLine() {
        position += 1
        line += 1
        lineStart = position
    }

    /// Goes to the next content, unless it stands at one, and returns its column; nil at the end.
    mutating func nextLine() throws -> Int? {
        while true {
            let start = position
            skipSpaces()
            guard let byte = current else { return nil }
            if byte == 0x0a {
                breakLine()
            } else if isAtLineEnd {
                skipComment()
            } else {
                if start == lineStart, bytes[start..<position].contains(0x09) {
                    throw failure("a tab indents the line")
                }
                return position - lineStart
            }
        }
    }

    private mutating func skipComment() {
        while let current, current != 0x0a { position += 1 }
    }

    mutating func endLine() throws {
        skipSpaces()
        guard isAtLineEnd else { throw failure("something follows the end of a value") }
        skipComment()
    }

    func failure(_ reason: String, _ code: YAMLError.Code = .malformed) -> YAMLError {
        YAMLError(code, "line \(line), column \(position - lineStart + 1): \(reason)")
    }
}
