internal import Glibc

/// What an ELF file asks of the dynamic loader: the loader itself, libraries, and where to look for them. Only the program
/// headers and the dynamic section are read, and nothing in the file is believed before it is checked.
struct ElfFile: Equatable, Sendable {
    /// The number that ELF gives to a machine: 62 for amd64, 183 for arm64.
    var machine: UInt16
    /// The loader; nothing for a library or a static program.
    var interpreter: String?
    var needed: [String]
    /// The name that others know it by.
    var sharedName: String?
    /// Folders to look in, as they stand in the file.
    var runPaths: [String]
    /// Whether the paths are of the old kind, which also holds for the libraries' own libraries.
    var runPathsAreInherited: Bool

    /// - Throws: `ElfError` where the file is no 64-bit little-endian ELF, or damaged.
    init(_ bytes: [UInt8]) throws(ElfError) {
        let reader = ElfReader(bytes: bytes)
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw ElfError("is no ELF file") }
        guard try reader.number(4, 1) == 2, try reader.number(5, 1) == 1 else {
            throw ElfError("is no 64-bit little-endian ELF file")
        }
        machine = UInt16(truncatingIfNeeded: try reader.number(18, 2))
        let segments = try Self.segments(reader)
        interpreter = nil
        needed = []
        sharedName = nil
        runPaths = []
        runPathsAreInherited = false
        if let segment = segments.first(where: { $0.kind == Segment.interpreter }) {
            interpreter = try reader.text(at: segment.offset, before: segment.offset + segment.size)
        }
        guard let dynamic = segments.first(where: { $0.kind == Segment.dynamic }) else { return }
        try readDynamic(dynamic, segments, reader)
    }

    private struct Segment {
        static let load = 1
        static let dynamic = 2
        static let interpreter = 3

        let kind: Int
        let offset: Int
        let address: Int
        let size: Int
    }

    private static func segments(_ reader: ElfReader) throws(ElfError) -> [Segment] {
        let (start, size, count) = (try reader.number(32, 8), try reader.number(54, 2), try reader.number(56, 2))
        guard size >= 56, count <= 4096 else { throw ElfError("has damaged program headers") }
        var found: [Segment] = []
        for index in 0..<count {
            let (base, overflows) = start.addingReportingOverflow(index * size)
            guard !overflows else { throw ElfError("has damaged program headers") }
            found.append(
                Segment(
                    kind: try reader.number(base, 4), offset: try reader.number(base + 8, 8),
                    address: try reader.number(base + 16, 8), size: try reader.number(base + 32, 8)))
        }
        return found
    }

    private mutating func readDynamic(
        _ dynamic: Segment, _ segments: [Segment], _ reader: ElfReader
    ) throws(ElfError) {
        var texts: [(tag: Int, offset: Int)] = []
        var (table, tableSize): (Int?, Int) = (nil, 0)
        for index in 0..<min(dynamic.size / 16, 65536) {
            let entry = dynamic.offset + index * 16
            let (tag, value) = (try reader.number(entry, 8), try reader.number(entry + 8, 8))
            switch tag {
            case 0: break
            case 1, 14, 15, 29: texts.append((tag, value))
            case 5: table = value
            case 10: tableSize = value
            default: continue
            }
            if tag == 0 { break }
        }
        guard !texts.isEmpty else { return }
        guard let table,
            let segment = segments.first(where: {
                $0.kind == Segment.load && table >= $0.address && table - $0.address < $0.size
            })
        else { throw ElfError("has no table of names") }
        let base = table - segment.address + segment.offset
        var (oldPaths, newPaths): ([String], [String]) = ([], [])
        for (tag, offset) in texts {
            guard offset <= tableSize else { throw ElfError("has a name outside of its table") }
            let text = try reader.text(at: base + offset, before: base + tableSize)
            switch tag {
            case 1: needed.append(text)
            case 14: sharedName = text
            case 15: oldPaths += text.split(separator: ":").map(String.init)
            default: newPaths += text.split(separator: ":").map(String.init)
            }
        }
        // The loader looks at the old kind only where there is none of the new.
        runPaths = newPaths.isEmpty ? oldPaths : newPaths
        runPathsAreInherited = newPaths.isEmpty && !oldPaths.isEmpty
    }
}

/// Why a file can't be read as ELF; the caller adds which file.
struct ElfError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

private struct ElfReader {
    let bytes: [UInt8]

    /// A little-endian number; those that no file has are damage.
    func number(_ offset: Int, _ count: Int) throws(ElfError) -> Int {
        guard offset >= 0, offset <= bytes.count - count else { throw ElfError("is cut short") }
        let value = (0..<count).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        // Tags of the dynamic section use the upper half for what nobody here asks about.
        return Int(truncatingIfNeeded: min(value, UInt64(Int.max / 4)))
    }

    func text(at offset: Int, before limit: Int) throws(ElfError) -> String {
        guard offset >= 0, offset < min(limit, bytes.count) else { throw ElfError("is cut short") }
        return String(decoding: bytes[offset..<min(limit, bytes.count)].prefix { $0 != 0 }, as: UTF8.self)
    }
}
