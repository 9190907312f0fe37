/// The head of an entry: 512 bytes of ustar, and in front of them a pax record where ustar has no room for the path, the
/// link or the size. The same entry gives the same bytes: no times, no names of owners.
public enum TarHeader {
    public static let blockBytes = 512
    /// What eleven octal digits hold.
    static let ustarSizeMax: Int64 = 0o77_777_777_777
    /// What seven octal digits hold.
    static let ustarOwnerMax: UInt32 = 0o7_777_777

    /// Two empty blocks end an archive.
    public static let end = [UInt8](repeating: 0, count: 2 * blockBytes)

    public static func bytes(of entry: TarEntry) -> [UInt8] {
        let path = entry.kind == .folder ? entry.path + "/" : entry.path
        let link = entry.linkTarget
        let name = UstarName(path)
        let linkFits = link.utf8.count <= 100 && link.utf8.allSatisfy { $0 < 0x80 }
        var records: [UInt8] = []
        if name == nil { records += record("path", path) }
        if !linkFits { records += record("linkpath", link) }
        if entry.size > ustarSizeMax { records += record("size", "\(entry.size)") }
        if entry.owner > ustarOwnerMax { records += record("uid", "\(entry.owner)") }
        if entry.group > ustarOwnerMax { records += record("gid", "\(entry.group)") }

        var bytes: [UInt8] = []
        if !records.isEmpty {
            let pax = TarEntry(path: "PaxHeaders/file", size: Int64(records.count))
            bytes += block(UstarName(name: Array(pax.path.utf8), prefix: []), pax, type: UInt8(ascii: "x"))
            bytes += records
            bytes += padding(after: Int64(records.count))
        }
        // Readers that know no pax get a path that is cut, and are none of ours.
        let plain = name ?? UstarName(name: Array(path.utf8.prefix(100)), prefix: [])
        return bytes + block(plain, entry, type: entry.kind.flag)
    }

    /// The zeros that follow so many bytes of content.
    public static func padding(after size: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: Int(paddedSize(size) - size))
    }

    /// What a file takes in an archive without its head: its bytes and zeros up to the next block.
    public static func paddedSize(_ size: Int64) -> Int64 {
        (size + Int64(blockBytes) - 1) / Int64(blockBytes) * Int64(blockBytes)
    }

    /// A pax record begins with its own length, whose digits count too.
    package static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = Array(" \(key)=\(value)\n".utf8)
        var length = rest.count
        while rest.count + "\(length)".utf8.count != length { length = rest.count + "\(length)".utf8.count }
        return Array("\(length)".utf8) + rest
    }

    private static func block(_ name: UstarName, _ entry: TarEntry, type: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockBytes)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() where offset + index < blockBytes { block[offset + index] = byte }
        }
        put(name.name, at: 0)
        put(octal(Int64(entry.mode), digits: 7), at: 100)
        put(octal(Int64(min(entry.owner, ustarOwnerMax)), digits: 7), at: 108)
        put(octal(Int64(min(entry.group, ustarOwnerMax)), digits: 7), at: 116)
        put(octal(entry.size > ustarSizeMax ? 0 : entry.size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put(Array("        ".utf8), at: 148)
        put([type], at: 156)
        put(entry.linkTarget.utf8.prefix(100), at: 157)
        put(Array("ustar\u{0}00".utf8), at: 257)
        put(octal(0, digits: 7), at: 329)
        put(octal(0, digits: 7), at: 337)
        put(name.prefix, at: 345)
        // Summed up while its own field is blank; six digits, a zero and a blank.
        let sum = block.reduce(Int64(0)) { $0 + Int64($1) }
        put(octal(sum, digits: 6) + [0, UInt8(ascii: " ")], at: 148)
        return block
    }

    private static func octal(_ value: Int64, digits: Int) -> [UInt8] {
        let text = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
    }
}

extension TarEntry {
    var linkTarget: String {
        switch kind {
        case .symbolicLink(let target), .hardLink(let target): target
        case .file, .folder, .other: ""
        }
    }
}

extension TarEntry.Kind {
    var flag: UInt8 {
        switch self {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .folder: UInt8(ascii: "5")
        case .other(let flag): flag
        }
    }
}

/// A path as ustar holds it: up to 100 bytes, or up to 155 more of folders in front of a slash.
struct UstarName {
    let name: [UInt8]
    let prefix: [UInt8]

    init(name: [UInt8], prefix: [UInt8]) {
        self.name = name
        self.prefix = prefix
    }

    /// Nil where ustar has no room for it, or nobody would agree on the letters: beyond ASCII only pax says which they are.
    init?(_ path: String) {
        let bytes = Array(path.utf8)
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        if bytes.count <= 100 {
            self.init(name: bytes, prefix: [])
            return
        }
        // A folder's slash at the end separates nothing.
        let slash = bytes.indices.dropLast().last { bytes[$0] == UInt8(ascii: "/") && $0 <= 155 && $0 > 0 }
        guard let slash, bytes.count - slash - 1 <= 100 else { return nil }
        self.init(name: Array(bytes[(slash + 1)...]), prefix: Array(bytes[..<slash]))
    }
}
