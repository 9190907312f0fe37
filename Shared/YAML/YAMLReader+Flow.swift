extension YAMLReader {
    /// A list or a map in brackets, over several lines too.
    mutating func flow(depth: Int) throws -> YAMLValue {
        try count(depth)
        let isMap = current == UInt8(ascii: "{")
        let closer = UInt8(ascii: isMap ? "}" : "]")
        position += 1
        var list: [YAMLValue] = []
        var entries: [YAMLEntry] = []
        var names: Set<String> = []
        while true {
            guard try nextLine() != nil else { throw failure("a bracket is not closed", .truncated) }
            if current == closer {
                position += 1
                return isMap ? .map(entries) : .list(list)
            }
            let value = try flowValue(depth: depth + 1)
            if isMap {
                guard names.insert(value.text).inserted else { throw failure("a name is given twice") }
                entries.append(YAMLEntry(name: value.text, value: try flowEntryValue(depth: depth + 1)))
            } else {
                list.append(value)
            }
            guard try nextLine() != nil else { throw failure("a bracket is not closed", .truncated) }
            if current == UInt8(ascii: ",") {
                position += 1
            } else if current != closer {
                throw failure("a comma or a closing bracket is missing")
            }
        }
    }

    private mutating func flowEntryValue(depth: Int) throws -> YAMLValue {
        guard try nextLine() != nil, current == UInt8(ascii: ":") else { return .null }
        position += 1
        guard try nextLine() != nil else { throw failure("a bracket is not closed", .truncated) }
        if current == UInt8(ascii: ",") || current == UInt8(ascii: "}") { return .null }
        return try flowValue(depth: depth)
    }

    private mutating func flowValue(depth: Int) throws -> YAMLValue {
        try count(depth)
        let first = line
        switch current {
        case UInt8(ascii: "["), UInt8(ascii: "{"): return try flow(depth: depth)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try quoted(), line: first)
        case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"):
            throw failure("anchors, aliases and tags are not read", .unsupported)
        default: break
        }
        let start = position
        while let byte = current, byte != 0x0a, !",[]{}".utf8.contains(byte) {
            if byte == UInt8(ascii: ":"),
                Self.isSpaceOrEnd(self.byte(after: 1)) || ",[]{}".utf8.contains(self.byte(after: 1) ?? 0)
            {
                break
            }
            position += 1
        }
        guard position > start else { throw failure("a value is missing") }
        var end = position
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return Self.scalar(String(decoding: bytes[start..<end], as: UTF8.self), line: first)
    }
}
