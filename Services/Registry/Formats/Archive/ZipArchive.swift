/// The entries of a zip archive by its central directory, with ranges read from the end of the file. The directory
/// decides: that is what Python and torch go by.
struct ZipArchive {
    struct Entry: Hashable {
        var name: String
        /// 0 is stored, 8 deflated.
        var method: Int
        var isEncrypted: Bool
        var foldedSize: Int
        var size: Int
        /// Where the entry's own header begins.
        var offset: Int
    }

    private let files: any ModelFiles
    private let path: String
    private let fileSize: Int
    private let budget: ByteBudget
    private let limits: RecognitionLimits
    private(set) var entries: [Entry] = []
    /// More entries than are kept.
    private(set) var isCut = false

    static func isPlausible(_ head: [UInt8]) -> Bool { head.starts(with: [0x50, 0x4b, 0x03, 0x04]) }

    init(
        _ files: any ModelFiles, _ path: String, size: Int, budget: ByteBudget, limits: RecognitionLimits
    ) throws {
        self.files = files
        self.path = path
        self.budget = budget
        self.limits = limits
        fileSize = size
        try readDirectory()
    }

    /// The content of an entry, unfolded where it is folded.
    func open(_ entry: Entry) throws -> ByteCursor {
        guard !entry.isEncrypted else { throw FormatError(.unsupported, "the entry \"\(entry.name)\" is encrypted") }
        let header = try cursor(entry.offset, min(entry.offset + 30, fileSize))
        guard try header.littleEndian(UInt32.self) == 0x0403_4b50 else {
            throw FormatError(
                .malformed, "the entry \"\(entry.name)\" is not where the directory says", at: entry.offset)
        }
        try header.skip(22)
        let name = Int(try header.littleEndian(UInt16.self))
        let extra = Int(try header.littleEndian(UInt16.self))
        let start = entry.offset + 30 + name + extra
        guard start <= fileSize, entry.foldedSize <= fileSize - start else {
            throw FormatError(.truncated, "the entry \"\(entry.name)\" ends behind the end of the file")
        }
        let source = FileSource(files, path, start..<start + entry.foldedSize, budget: budget)
        switch entry.method {
        case 0: return ByteCursor(source)
        case 8: return ByteCursor(InflateSource(source, .raw, budget: ByteBudget(limits.fileBytesMax)))
        default: throw FormatError(.unsupported, "the entry \"\(entry.name)\" is folded by method \(entry.method)")
        }
    }

    private func cursor(_ start: Int, _ end: Int) throws -> ByteCursor {
        guard start >= 0, start <= end, end <= fileSize else {
            throw FormatError(.malformed, "the directory of the archive points outside of it")
        }
        return ByteCursor(FileSource(files, path, start..<end, budget: budget))
    }

    // MARK: The directory

    private mutating func readDirectory() throws {
        let tailSize = min(fileSize, 22 + 0xffff)
        let tailStart = fileSize - tailSize
        let tail = try cursor(tailStart, fileSize).bytes(tailSize)
        guard let end = Self.endRecord(tail) else {
            throw FormatError(.truncated, "the archive has no directory at its end")
        }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            tail[(end + offset)...].prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        var count = number(10, 2)
        var size = number(12, 4)
        var start = number(16, 4)
        if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff,
            let large = try largeRecord(before: tailStart + end)
        {
            (count, size, start) = large
        }
        guard size <= UInt64(fileSize), start <= UInt64(fileSize) - size else {
            throw FormatError(.malformed, "the directory of the archive points outside of it")
        }
        try readEntries(try cursor(Int(start), Int(start + size)), count)
    }

    /// The last place where an end record can be: its comment has to reach to the end of the file.
    private static func endRecord(_ tail: [UInt8]) -> Int? {
        guard tail.count >= 22 else { return nil }
        for place in stride(from: tail.count - 22, through: 0, by: -1)
        where tail[place] == 0x50 && tail[place + 1] == 0x4b && tail[place + 2] == 5 && tail[place + 3] == 6 {
            let comment = Int(tail[place + 20]) | Int(tail[place + 21]) << 8
            if place + 22 + comment == tail.count { return place }
        }
        return nil
    }

    /// The record of archives with sizes over four bytes, by its locator in front of the end record.
    private func largeRecord(before end: Int) throws -> (UInt64, UInt64, UInt64)? {
        guard end >= 20 else { return nil }
        let locator = try cursor(end - 20, end)
        guard try locator.littleEndian(UInt32.self) == 0x0706_4b50 else { return nil }
        try locator.skip(4)
        let place = try locator.littleEndian(UInt64.self)
        guard place <= UInt64(end - 20) else {
            throw FormatError(.malformed, "the directory of the archive points outside of it")
        }
        let record = try cursor(Int(place), end - 20)
        guard try record.littleEndian(UInt32.self) == 0x0606_4b50 else {
            throw FormatError(.malformed, "the directory of the archive is not where its locator says")
        }
        try record.skip(28)
        let count = try record.littleEndian(UInt64.self)
        let size = try record.littleEndian(UInt64.self)
        return (count, size, try record.littleEndian(UInt64.self))
    }

    private mutating func readEntries(_ cursor: ByteCursor, _ count: UInt64) throws {
        var index: UInt64 = 0
        while index < count {
            guard entries.count < limits.listCountMax else {
                isCut = true
                return
            }
            entries.append(try Self.entry(cursor, fileSize: fileSize))
            index += 1
        }
    }

    private static func entry(_ cursor: ByteCursor, fileSize: Int) throws -> Entry {
        guard try cursor.littleEndian(UInt32.self) == 0x0201_4b50 else {
            throw cursor.failure(.malformed, "an entry of the directory begins otherwise")
        }
        try cursor.skip(4)
        let flags = try cursor.littleEndian(UInt16.self)
        let method = Int(try cursor.littleEndian(UInt16.self))
        try cursor.skip(8)
        var foldedSize = UInt64(try cursor.littleEndian(UInt32.self))
        var size = UInt64(try cursor.littleEndian(UInt32.self))
        let nameSize = Int(try cursor.littleEndian(UInt16.self))
        let extraSize = Int(try cursor.littleEndian(UInt16.self))
        let commentSize = Int(try cursor.littleEndian(UInt16.self))
        try cursor.skip(8)
        var offset = UInt64(try cursor.littleEndian(UInt32.self))
        let name = String(decoding: try cursor.bytes(nameSize), as: UTF8.self)
        let extra = try cursor.bytes(extraSize)
        try cursor.skip(commentSize)
        large(extra, &size, &foldedSize, &offset)
        guard offset <= UInt64(fileSize), foldedSize <= UInt64(fileSize), size <= UInt64(Int.max) else {
            throw cursor.failure(.malformed, "an entry of the directory points outside the archive")
        }
        return Entry(
            name: name, method: method, isEncrypted: flags & 1 != 0, foldedSize: Int(foldedSize), size: Int(size),
            offset: Int(offset))
    }

    /// Sizes over four bytes stand in an extra field, in this order and each only where it is needed.
    private static func large(
        _ extra: [UInt8], _ size: inout UInt64, _ foldedSize: inout UInt64, _ offset: inout UInt64
    ) {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        var rest = extra[...]
        while rest.count >= 4 {
            let id = number(rest.prefix(2))
            let length = Int(number(rest.dropFirst(2).prefix(2)))
            var body = rest.dropFirst(4).prefix(length)
            rest = rest.dropFirst(4 + length)
            guard id == 1 else { continue }
            func take(_ value: inout UInt64) {
                guard value == 0xffff_ffff, body.count >= 8 else { return }
                value = number(body.prefix(8))
                body = body.dropFirst(8)
            }
            take(&size)
            take(&foldedSize)
            take(&offset)
            return
        }
    }
}
