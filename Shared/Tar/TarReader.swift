/// Takes a tar archive apart as its bytes come: ustar, pax and GNU's long names. It holds one header at most, never a
/// file's content, and believes nothing: sizes, checksums and lengths are checked before they are used.
public struct TarReader {
    public enum Event: Equatable, Sendable {
        case entry(TarEntry)
        /// Bytes of the file whose entry came last, in order.
        case contents(ArraySlice<UInt8>)
        /// The archive is over; what follows is padding.
        case end
    }

    /// The longest pax or long-name record that is read: it may hold much besides paths.
    static let recordBytesMax: Int64 = 1 << 20
    /// No file system opens more: what keeps many entries would be filled by few of longer ones.
    static let pathBytesMax = 4096
    /// No file is as large, and sums of some of them are numbers still.
    static let sizeMax: Int64 = 1 << 56

    private enum State {
        case header
        case contents(left: Int64, padding: Int64)
        case padding(left: Int64)
        case record(flag: UInt8, left: Int64, padding: Int64)
        case ended
    }

    private var state = State.header
    private var block: [UInt8] = []
    private var record: [UInt8] = []
    private var pending = Overrides()
    /// Bytes of the archive that were read, for messages.
    private var offset: Int64 = 0

    /// What records say of the entry that follows them.
    private struct Overrides {
        var path: String?
        var link: String?
        var size: Int64?
        var owner: UInt32?
        var group: UInt32?
    }

    public init() {}

    /// Whether the archive's end came, or it may end here: some writers leave the empty blocks out.
    public var mayEnd: Bool {
        switch state {
        case .ended: true
        case .header: block.isEmpty && record.isEmpty
        case .contents, .padding, .record: false
        }
    }

    /// The next event out of these bytes; nil when all of them are used up.
    /// - Throws: `TarError` with the place in the archive.
    public mutating func next(_ input: inout ArraySlice<UInt8>) throws(TarError) -> Event? {
        while true {
            switch state {
            case .ended:
                offset += Int64(input.count)
                input = []
                return nil
            case .padding(let left):
                guard left > 0 else {
                    state = .header
                    continue
                }
                let taken = take(&input, atMost: left)
                if taken.isEmpty { return nil }
                state = .padding(left: left - Int64(taken.count))
            case .contents(let left, let padding):
                guard left > 0 else {
                    state = .padding(left: padding)
                    continue
                }
                let taken = take(&input, atMost: left)
                if taken.isEmpty { return nil }
                state = .contents(left: left - Int64(taken.count), padding: padding)
                return .contents(taken)
            case .record(let flag, let left, let padding):
                guard left > 0 else {
                    try finishRecord(flag)
                    state = .padding(left: padding)
                    continue
                }
                let taken = take(&input, atMost: left)
                if taken.isEmpty { return nil }
                record += taken
                state = .record(flag: flag, left: left - Int64(taken.count), padding: padding)
            case .header:
                block += take(&input, atMost: Int64(TarHeader.blockBytes - block.count))
                guard block.count == TarHeader.blockBytes else { return nil }
                defer { block.removeAll(keepingCapacity: true) }
                if let event = try header() { return event }
            }
        }
    }

    private mutating func take(_ input: inout ArraySlice<UInt8>, atMost count: Int64) -> ArraySlice<UInt8> {
        let taken = input.prefix(Int(min(count, Int64(input.count))))
        input = input.dropFirst(taken.count)
        offset += Int64(taken.count)
        return taken
    }

    private mutating func header() throws(TarError) -> Event? {
        if block.allSatisfy({ $0 == 0 }) {
            state = .ended
            return .end
        }
        let sum = block.indices.reduce(Int64(0)) { $0 + Int64((148..<156).contains($1) ? 0x20 : block[$1]) }
        guard try number(148, 8, "checksum") == sum else { throw fault("a header's checksum is wrong") }
        let flag = block[156]
        var size = try number(124, 12, "size")
        switch flag {
        case UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            guard size <= Self.recordBytesMax else { throw fault("a record of \(size) bytes") }
            record.removeAll(keepingCapacity: true)
            state = .record(flag: flag, left: size, padding: TarHeader.paddedSize(size) - size)
            return nil
        default: break
        }
        let overrides = pending
        pending = Overrides()
        size = overrides.size ?? size
        guard size <= Self.sizeMax else { throw fault("a file of \(size) bytes") }
        let entry = try entry(flag, size: size, overrides)
        let contents = entry.size
        state = .contents(left: contents, padding: TarHeader.paddedSize(contents) - contents)
        return .entry(entry)
    }

    private func entry(_ flag: UInt8, size: Int64, _ overrides: Overrides) throws(TarError) -> TarEntry {
        var path = overrides.path ?? ustarPath()
        let link = overrides.link ?? text(157, 100)
        let isFolder = flag == UInt8(ascii: "5") || (flag == UInt8(ascii: "0") || flag == 0) && path.hasSuffix("/")
        while path.hasPrefix("./") { path.removeFirst(2) }
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let kind: TarEntry.Kind
        switch flag {
        case _ where isFolder: kind = .folder
        case UInt8(ascii: "0"), UInt8(ascii: "7"), 0: kind = .file
        case UInt8(ascii: "1"): kind = .hardLink(to: link)
        case UInt8(ascii: "2"): kind = .symbolicLink(to: link)
        default: kind = .other(flag)
        }
        guard path.utf8.count <= Self.pathBytesMax, link.utf8.count <= Self.pathBytesMax else {
            throw fault("a path of more than \(Self.pathBytesMax) bytes")
        }
        guard kind == .file || size == 0 || isFolder else { throw fault("\(path) has bytes, and is no file") }
        let mode = UInt16(truncatingIfNeeded: try number(100, 8, "mode") & 0o7777)
        let owner = UInt32(clamping: try number(108, 8, "owner"))
        let group = UInt32(clamping: try number(116, 8, "group"))
        return TarEntry(
            path: path, kind: kind, mode: mode, size: size, owner: overrides.owner ?? owner,
            group: overrides.group ?? group)
    }

    private func ustarPath() -> String {
        let name = text(0, 100)
        let isUstar = block[257..<262].elementsEqual("ustar".utf8)
        // GNU's own format has times where ustar has the prefix.
        let prefix = isUstar && block[262] == 0 ? text(345, 155) : ""
        return prefix.isEmpty ? name : "\(prefix)/\(name)"
    }

    private func text(_ start: Int, _ count: Int) -> String {
        String(decoding: block[start..<start + count].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal digits with blanks and zeros around them, or GNU's binary form for what they have no room for.
    private func number(_ start: Int, _ count: Int, _ what: String) throws(TarError) -> Int64 {
        let field = block[start..<start + count]
        if let first = field.first, first & 0x80 != 0 {
            var value = Int64(first & 0x7F)
            for byte in field.dropFirst() {
                guard value < 1 << 54 else { throw fault("a header's \(what) is out of range") }
                value = value << 8 | Int64(byte)
            }
            return value
        }
        var value: Int64 = 0
        for byte in field.drop(while: { $0 == 0x20 }) {
            if byte == 0 || byte == 0x20 { break }
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else {
                throw fault("a header's \(what) is no number")
            }
            value = value << 3 | Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private mutating func finishRecord(_ flag: UInt8) throws(TarError) {
        defer { record.removeAll(keepingCapacity: true) }
        switch flag {
        case UInt8(ascii: "L"): pending.path = String(decoding: record.prefix { $0 != 0 }, as: UTF8.self)
        case UInt8(ascii: "K"): pending.link = String(decoding: record.prefix { $0 != 0 }, as: UTF8.self)
        case UInt8(ascii: "x"): try applyPax(record[...])
        // Of all entries to come: times and comments, which nothing here looks at.
        default: break
        }
    }

    private mutating func applyPax(_ bytes: ArraySlice<UInt8>) throws(TarError) {
        var rest = bytes
        while !rest.isEmpty {
            guard let blank = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[rest.startIndex..<blank], as: UTF8.self)),
                length > blank - rest.startIndex + 1, length <= rest.count
            else { throw fault("a pax record without a proper length") }
            let line = rest[(blank + 1)..<(rest.startIndex + length)]
            guard line.last == 0x0a, let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                throw fault("a pax record without a value")
            }
            let key = String(decoding: line[line.startIndex..<equals], as: UTF8.self)
            let value = String(decoding: line[(equals + 1)...].dropLast(), as: UTF8.self)
            switch key {
            case "path": pending.path = value
            case "linkpath": pending.link = value
            case "size":
                guard let size = Int64(value), size >= 0 else { throw fault("a pax record with the size \(value)") }
                pending.size = size
            case "uid": pending.owner = UInt32(value)
            case "gid": pending.group = UInt32(value)
            default: break
            }
            rest = rest.dropFirst(length)
        }
    }

    private func fault(_ reason: String) -> TarError {
        TarError(.malformed, "byte \(offset) of the archive: \(reason)")
    }
}
