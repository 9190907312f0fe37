/// The entries of a zip archive by its central directory, with ranges read from the end of the file. The directory
/// decides: that is what Python and torch go by. Nothing in it is believed before it is checked.
package struct ZipDirectory {
    /// Bytes of a range of the archive, all of them.
    package typealias Read = (Range<Int>) throws -> [UInt8]

    package private(set) var entries: [ZipEntry] = []
    /// More entries than were asked for.
    package private(set) var isCut = false

    package static func isPlausible(_ head: [UInt8]) -> Bool { head.starts(with: [0x50, 0x4b, 0x03, 0x04]) }

    /// - Parameters:
    ///   - size: of the archive.
    ///   - entriesMax: how many entries are kept; of the directory no more is read than they may take.
    /// - Throws: `ZipError`, and what `read` throws.
    package init(size fileSize: Int, entriesMax: Int, read: Read) throws {
        let tailSize = min(fileSize, 22 + 0xffff)
        let tailStart = fileSize - tailSize
        let tail = Fields(try Self.checked(read, tailStart..<fileSize))
        guard let end = Self.endRecord(tail.bytes) else {
            throw ZipError(.truncated, "the archive has no directory at its end")
        }
        var count = try tail.number(end + 10, 2)
        var size = try tail.number(end + 12, 4)
        var start = try tail.number(end + 16, 4)
        if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff,
            let large = try Self.largeRecord(before: tailStart + end, read)
        {
            (count, size, start) = large
        }
        guard size <= fileSize, start <= fileSize - size else { throw Self.outside }
        try readEntries(start..<start + size, count, entriesMax, fileSize, read)
    }

    /// Where the contents of an entry lie, by its own header.
    package static func contents(of entry: ZipEntry, size fileSize: Int, read: Read) throws -> Range<Int> {
        guard entry.offset <= fileSize - 30 else { throw outside }
        let header = Fields(try checked(read, entry.offset..<entry.offset + 30))
        guard try header.number(0, 4) == 0x0403_4b50 else {
            throw ZipError(.malformed, "the entry \"\(entry.name)\" is not where the directory says")
        }
        let start = entry.offset + 30 + (try header.number(26, 2)) + (try header.number(28, 2))
        guard start <= fileSize, entry.foldedSize <= fileSize - start else {
            throw ZipError(.truncated, "the entry \"\(entry.name)\" ends behind the end of the file")
        }
        return start..<start + entry.foldedSize
    }

    private static let outside = ZipError(.malformed, "the directory of the archive points outside of it")

    private static func checked(_ read: Read, _ range: Range<Int>) throws -> [UInt8] {
        let bytes = try read(range)
        guard bytes.count == range.count else { throw ZipError(.truncated, "the archive ends too early") }
        return bytes
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
    private static func largeRecord(before end: Int, _ read: Read) throws -> (Int, Int, Int)? {
        guard end >= 20 else { return nil }
        let locator = Fields(try checked(read, end - 20..<end))
        guard try locator.number(0, 4) == 0x0706_4b50 else { return nil }
        let place = try locator.number(8, 8)
        guard place <= end - 20 - 56 else { throw outside }
        let record = Fields(try checked(read, place..<place + 56))
        guard try record.number(0, 4) == 0x0606_4b50 else {
            throw ZipError(.malformed, "the directory of the archive is not where its locator says")
        }
        return (try record.number(32, 8), try record.number(40, 8), try record.number(48, 8))
    }

    /// Reads the directory in pieces: it may be larger than what is asked for.
    private mutating func readEntries(
        _ range: Range<Int>, _ count: Int, _ entriesMax: Int, _ fileSize: Int, _ read: Read
    ) throws {
        var window = Fields([])
        var (position, windowEnd) = (range.lowerBound, range.lowerBound)
        // Where the entry begins in the window, with so many bytes behind it as it takes.
        func place(_ bytes: Int) throws -> Int {
            guard bytes <= range.upperBound - position else {
                throw ZipError(.truncated, "the directory of the archive ends too early")
            }
            if windowEnd - position < bytes {
                let end = min(range.upperBound, position + max(bytes, 64 << 10))
                window = Fields(try Self.checked(read, position..<end))
                windowEnd = end
            }
            return window.bytes.count - (windowEnd - position)
        }
        for _ in 0..<max(0, count) {
            guard entries.count < entriesMax else {
                isCut = true
                return
            }
            var at = try place(46)
            let (name, extra) = (try window.number(at + 28, 2), try window.number(at + 30, 2))
            let length = 46 + name + extra + (try window.number(at + 32, 2))
            at = try place(length)
            entries.append(try Self.entry(window, at, name: name, extra: extra, fileSize))
            position += length
        }
    }

    private static func entry(
        _ fields: Fields, _ at: Int, name nameSize: Int, extra extraSize: Int, _ fileSize: Int
    ) throws -> ZipEntry {
        guard try fields.number(at, 4) == 0x0201_4b50 else {
            throw ZipError(.malformed, "an entry of the directory begins otherwise")
        }
        let isUnix = try fields.number(at + 5, 1) == 3
        var foldedSize = try fields.number(at + 20, 4)
        var size = try fields.number(at + 24, 4)
        var offset = try fields.number(at + 42, 4)
        let name = String(decoding: try fields.slice(at + 46, nameSize), as: UTF8.self)
        large(try fields.slice(at + 46 + nameSize, extraSize), &size, &foldedSize, &offset)
        guard offset <= fileSize, foldedSize <= fileSize else {
            throw ZipError(.malformed, "an entry of the directory points outside the archive")
        }
        return ZipEntry(
            name: name, method: try fields.number(at + 10, 2), isEncrypted: try fields.number(at + 8, 2) & 1 != 0,
            checksum: UInt32(truncatingIfNeeded: try fields.number(at + 16, 4)), foldedSize: foldedSize, size: size,
            offset: offset, mode: isUnix ? UInt16(truncatingIfNeeded: try fields.number(at + 40, 2)) : 0)
    }

    /// Sizes over four bytes stand in an extra field, in this order and each only where it is needed.
    private static func large(
        _ extra: ArraySlice<UInt8>, _ size: inout Int, _ foldedSize: inout Int, _ offset: inout Int
    ) {
        var rest = extra
        while rest.count >= 4 {
            let id = Fields.number(rest.prefix(2))
            let length = Fields.number(rest.dropFirst(2).prefix(2))
            var body = rest.dropFirst(4).prefix(length)
            rest = rest.dropFirst(4 + length)
            guard id == 1 else { continue }
            func take(_ value: inout Int) {
                guard value == 0xffff_ffff, body.count >= 8 else { return }
                value = Fields.number(body.prefix(8))
                body = body.dropFirst(8)
            }
            take(&size)
            take(&foldedSize)
            take(&offset)
            return
        }
    }
}

/// Little-endian numbers at places that are checked.
private struct Fields {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func slice(_ offset: Int, _ count: Int) throws(ZipError) -> ArraySlice<UInt8> {
        guard offset >= 0, count >= 0, offset <= bytes.count - count else {
            throw ZipError(.truncated, "the archive ends too early")
        }
        return bytes[offset..<offset + count]
    }

    func number(_ offset: Int, _ count: Int) throws(ZipError) -> Int { Self.number(try slice(offset, count)) }

    /// What no archive has is the largest number that sums can still be made of.
    static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        Int(min(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, UInt64(Int.max / 4)))
    }
}
