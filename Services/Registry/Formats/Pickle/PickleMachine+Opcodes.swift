extension PickleMachine {
    /// Performs one opcode.
    func step(_ opcode: UInt8) throws {
        switch opcode {
        // Values without content.
        case 0x4e: try push(.none)
        case 0x88, 0x89: try push(.other)
        case 0x5d: try push(.list(PickleList()))
        case 0x7d: try push(.dictionary(PickleDictionary()))
        case 0x29: try push(.shape([]))
        case 0x8f: try push(.other)
        // Numbers.
        case 0x4b: try push(.integer(Int(try cursor.byte())))
        case 0x4d: try push(.integer(Int(try cursor.littleEndian(UInt16.self))))
        case 0x4a: try push(.integer(Int(try cursor.littleEndian(Int32.self))))
        case 0x47: try pass(8)
        case 0x8a: try long(Int(try cursor.byte()))
        case 0x8b: try long(Int(try cursor.littleEndian(Int32.self)))
        case 0x46: try line(.other)
        case 0x49, 0x4c: try numberLine()
        // Texts and bytes.
        case 0x8c, 0x55: try text(Int(try cursor.byte()))
        case 0x58: try text(Int(try cursor.littleEndian(UInt32.self)))
        case 0x54: try text(Int(try cursor.littleEndian(Int32.self)))
        case 0x8d: try text(try length())
        case 0x53: try push(PickleText.quoted(try nameLine()))
        case 0x56: try push(PickleText.unicode(try nameLine()))
        case 0x43: try pass(Int(try cursor.byte()))
        case 0x42: try pass(Int(try cursor.littleEndian(UInt32.self)))
        case 0x8e, 0x96: try pass(try length())
        case 0x97: try push(.computed)
        case 0x98: _ = try top()
        // The stack and the memo.
        case 0x28: try mark()
        case 0x30: try discard()
        case 0x31: _ = try popToMark()
        case 0x32: try push(try top())
        case 0x94: try remember(memo.count)
        case 0x71: try remember(Int(try cursor.byte()))
        case 0x72: try remember(Int(try cursor.littleEndian(UInt32.self)))
        case 0x70: try remember(try memoLine())
        case 0x68: try recall(Int(try cursor.byte()))
        case 0x6a: try recall(Int(try cursor.littleEndian(UInt32.self)))
        case 0x67: try recall(try memoLine())
        // The stream.
        case 0x80:
            guard try cursor.byte() <= 5 else { throw cursor.failure(.unsupported, "the protocol is unknown") }
        case 0x95: try frame()
        default: try build(opcode)
        }
    }

    /// Pops a value, or a mark that lies on top.
    private func discard() throws {
        if let height = marks.last, height == stack.count { marks.removeLast() } else { _ = try pop() }
    }

    private func pass(_ count: Int) throws {
        try cursor.skip(count)
        try push(.other)
    }

    private func length() throws -> Int {
        guard let length = Int(exactly: try cursor.littleEndian(UInt64.self)) else {
            throw cursor.failure(.malformed, "a length is out of range")
        }
        return length
    }

    private func long(_ count: Int) throws {
        guard count >= 0 else { throw cursor.failure(.malformed, "a length is negative") }
        guard count <= 10 else { return try pass(count) }
        let bytes = try cursor.bytes(count)
        // The number with which files of torch begin that are no archives.
        if bytes == [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19] { findings.isTorchLegacy = true }
        guard count <= 8 else { return try push(.other) }
        var value = bytes.last.map { $0 & 0x80 != 0 } == true ? -1 : 0
        for byte in bytes.reversed() { value = value << 8 | Int(byte) }
        try push(.integer(value))
    }

    private func text(_ count: Int) throws {
        guard count >= 0 else { throw cursor.failure(.malformed, "a length is negative") }
        guard count <= Self.nameBytesMax else {
            try cursor.skip(count)
            return try push(.computed)
        }
        try push(.text(String(decoding: try cursor.bytes(count), as: UTF8.self)))
    }

    private func line(_ symbol: PickleSymbol) throws {
        _ = try nameLine()
        try push(symbol)
    }

    /// A line as it is; nil when it is too long for a name.
    func nameLine() throws -> [UInt8]? {
        guard let line = try cursor.line(keeping: Self.nameBytesMax), line.isEnded else {
            throw cursor.failure(.truncated, "the input ends inside a line")
        }
        return line.isCut ? nil : line.bytes
    }

    private func numberLine() throws {
        let line = try nameLine() ?? []
        let digits = line.last == UInt8(ascii: "L") ? line.dropLast() : line[...]
        try push(Int(String(decoding: digits, as: UTF8.self)).map { .integer($0) } ?? .other)
    }

    private func memoLine() throws -> Int {
        let line = String(decoding: try nameLine() ?? [], as: UTF8.self)
        guard let key = Int(line), key >= 0 else { throw cursor.failure(.malformed, "a key of the memo is no number") }
        return key
    }

    private func frame() throws {
        let count = try length()
        let (end, overflow) = cursor.offset.addingReportingOverflow(count)
        guard !overflow else { throw cursor.failure(.malformed, "a frame is longer than any file") }
        if cursor.offset < frameEnd { try leaveFrame() }
        frameEnd = end
    }
}

/// Texts of the oldest protocols, which escape what is not plain.
enum PickleText {
    /// A text in quotes. One with an escape other than `\xNN` is not told.
    static func quoted(_ line: [UInt8]?) -> PickleSymbol {
        guard var bytes = line?[...] else { return .computed }
        while let last = bytes.last, last == 0x20 || last == 0x0d || last == 0x09 { bytes.removeLast() }
        guard bytes.count >= 2, let quote = bytes.first, quote == bytes.last, quote == 0x27 || quote == 0x22 else {
            return .computed
        }
        return unescape(bytes.dropFirst().dropLast(), introducer: UInt8(ascii: "x"), digits: 2)
    }

    /// A text with `\uNNNN` escapes.
    static func unicode(_ line: [UInt8]?) -> PickleSymbol {
        guard let line else { return .computed }
        return unescape(line[...], introducer: UInt8(ascii: "u"), digits: 4)
    }

    private static func unescape(_ bytes: ArraySlice<UInt8>, introducer: UInt8, digits: Int) -> PickleSymbol {
        var text = ""
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                text.unicodeScalars.append(Unicode.Scalar(byte))
                continue
            }
            guard rest.popFirst() == introducer, rest.count >= digits,
                let value = UInt32(String(decoding: rest.prefix(digits), as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value)
            else { return .computed }
            text.unicodeScalars.append(scalar)
            rest = rest.dropFirst(digits)
        }
        return .text(text)
    }
}
