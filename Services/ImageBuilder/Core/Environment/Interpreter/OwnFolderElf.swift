/// Gives a program a loader, folders and libraries of its own, so that it runs wherever it lies: on top of nothing, or of
/// a base with another C library. What comes out depends on what went in and on nothing else.
///
/// The new strings and a new dynamic section are put behind everything else, in a segment that takes the place of a note:
/// nobody needs one to run.
struct OwnFolderElf {
    /// The path of the loader in the image.
    var loader: String
    /// Where its libraries are. In the old form, which also holds for libraries of libraries.
    var folders: [String]
    /// Libraries that are loaded with the program although it does not ask for them: others do, and their own folders
    /// would keep them from being looked for in these.
    var libraries: [String]

    private static let page = 4096
    private enum Segment { static let (load, dynamic, interpreter, note, header) = (1, 2, 3, 4, 6) }
    private enum Tag { static let (end, needed, strings, stringsSize, oldPath, newPath) = (0, 1, 5, 10, 15, 29) }

    /// - Throws: `ElfError` where the file is no program that can be changed so.
    func rewritten(_ bytes: [UInt8]) throws(ElfError) -> [UInt8] {
        let elf = try ElfFile(bytes)
        guard elf.interpreter != nil else { throw ElfError("names no loader: it is no program") }
        var file = Image(bytes: bytes)
        let (table, size, count) = (try file.number(32, 8), try file.number(54, 2), try file.number(56, 2))
        var headers: [(place: Int, kind: Int, offset: Int, address: Int, size: Int)] = []
        var top = 0
        for index in 0..<count {
            let place = table + index * size
            let header = (
                place, try file.number(place, 4), try file.number(place + 8, 8), try file.number(place + 16, 8),
                try file.number(place + 32, 8)
            )
            headers.append(header)
            if header.1 == Segment.load { top = max(top, header.3 + (try file.number(place + 40, 8))) }
        }
        guard let dynamic = headers.first(where: { $0.kind == Segment.dynamic }),
            let interpreter = headers.first(where: { $0.kind == Segment.interpreter }),
            let last = headers.last(where: { $0.kind == Segment.load }),
            let note = headers.last(where: { $0.kind == Segment.note && $0.place > last.place }),
            top > 0
        else { throw ElfError("has no room for another segment") }

        var entries = try self.entries(of: dynamic.offset, dynamic.size, file)
        guard let strings = entries.first(where: { $0.tag == Tag.strings })?.value,
            let stringsSize = entries.first(where: { $0.tag == Tag.stringsSize })?.value,
            let holder = headers.first(where: {
                $0.kind == Segment.load && strings >= $0.address && strings - $0.address < $0.size
            }),
            stringsSize <= holder.size - (strings - holder.address)
        else { throw ElfError("has no table of names") }

        let offset = (bytes.count + Self.page - 1) / Self.page * Self.page
        let address = (top + Self.page - 1) / Self.page * Self.page
        var added = try file.slice(strings - holder.address + holder.offset, stringsSize)
        func add(_ text: String) -> Int {
            defer { added += Array(text.utf8) + [0] }
            return added.count
        }
        let named = Set(elf.needed)
        let needed = libraries.filter { !named.contains($0) }.map { (tag: Tag.needed, value: add($0)) }
        let path = add(folders.joined(separator: ":"))
        let loaderPlace = add(loader)
        while added.count % 16 != 0 { added.append(0) }
        entries.removeAll { $0.tag == Tag.oldPath || $0.tag == Tag.newPath || $0.tag == Tag.end }
        for index in entries.indices {
            if entries[index].tag == Tag.strings { entries[index].value = address }
            if entries[index].tag == Tag.stringsSize { entries[index].value = added.count }
        }
        // What a program asks for itself comes first, as before.
        let firstOther = entries.firstIndex { $0.tag != Tag.needed } ?? entries.endIndex
        entries.insert(contentsOf: needed, at: firstOther)
        entries += [(Tag.oldPath, path), (Tag.end, 0)]
        let dynamicPlace = added.count
        for entry in entries { added += Image.bytes(entry.tag, 8) + Image.bytes(entry.value, 8) }

        file.bytes += [UInt8](repeating: 0, count: offset - bytes.count) + added
        let dynamicSize = entries.count * 16
        try file.setHeader(
            dynamic.place, Segment.dynamic, 6, offset + dynamicPlace, address + dynamicPlace, dynamicSize, 8)
        try file.setHeader(
            interpreter.place, Segment.interpreter, 4, offset + loaderPlace, address + loaderPlace,
            loader.utf8.count + 1, 1)
        try file.setHeader(note.place, Segment.load, 6, offset, address, added.count, Self.page)
        try file.moveUp(note.place, to: last.place + size, size)
        return file.bytes
    }

    private func entries(
        of offset: Int, _ size: Int, _ file: Image
    ) throws(ElfError) -> [(tag: Int, value: Int)] {
        var found: [(tag: Int, value: Int)] = []
        for place in stride(from: offset, through: offset + size - 16, by: 16) {
            let (tag, value) = (try file.whole(place), try file.whole(place + 8))
            if tag == Tag.end { break }
            found.append((tag, value))
        }
        return found
    }
}

/// Bytes with numbers in them, each place checked.
private struct Image {
    var bytes: [UInt8]

    func slice(_ offset: Int, _ count: Int) throws(ElfError) -> [UInt8] {
        guard offset >= 0, count >= 0, count <= bytes.count, offset <= bytes.count - count else {
            throw ElfError("is cut short")
        }
        return Array(bytes[offset..<offset + count])
    }

    /// Offsets and sizes, which are never so large that sums overflow.
    func number(_ offset: Int, _ count: Int) throws(ElfError) -> Int {
        let value = try slice(offset, count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard value < UInt64(Int.max / 4) else { throw ElfError("has a damaged header") }
        return Int(value)
    }

    /// All 64 bits.
    func whole(_ offset: Int) throws(ElfError) -> Int {
        Int(bitPattern: UInt(try slice(offset, 8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
    }

    static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: UInt64(bitPattern: Int64(value)) >> UInt64(8 * $0)) }
    }

    mutating func setHeader(
        _ place: Int, _ kind: Int, _ flags: Int, _ offset: Int, _ address: Int, _ size: Int, _ alignment: Int
    ) throws(ElfError) {
        _ = try slice(place, 56)
        bytes.replaceSubrange(
            place..<place + 56,
            with: Self.bytes(kind, 4) + Self.bytes(flags, 4)
                + [offset, address, address, size, size, alignment].flatMap { Self.bytes($0, 8) })
    }

    /// Segments that are loaded stand in the order of their addresses, and nothing stands between them.
    mutating func moveUp(_ place: Int, to earlier: Int, _ size: Int) throws(ElfError) {
        let header = try slice(place, size)
        bytes.removeSubrange(place..<place + size)
        bytes.insert(contentsOf: header, at: earlier)
    }
}
