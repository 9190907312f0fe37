/// The head of one file in a tar archive: 512 bytes of ustar, and in front of them a pax record where ustar has no room for
/// the path or the size. The same file gives the same bytes: no times, no owners, no permissions but the usual ones.
struct TarHeader: Sendable {
    static let blockBytes = 512
    /// What eleven octal digits hold.
    static let ustarSizeMax: Int64 = 0o77_777_777_777

    /// - Parameters:
    ///   - path: relative, with `/` between folders.
    ///   - size: not negative.
    static func bytes(path: String, size: Int64) -> [UInt8] {
        let name = UstarName(path)
        var records: [UInt8] = []
        if name == nil { records += record("path", path) }
        if size > ustarSizeMax { records += record("size", "\(size)") }
        var bytes: [UInt8] = []
        if !records.isEmpty {
            let paxName = UstarName(name: Array("PaxHeaders/file".utf8), prefix: [])
            bytes += block(paxName, size: Int64(records.count), type: UInt8(ascii: "x"))
            bytes += records
            bytes += padding(after: Int64(records.count))
        }
        // Readers that know no pax get a path that is cut, and are none of ours.
        let plain = name ?? UstarName(name: Array(path.utf8.prefix(100)), prefix: [])
        return bytes + block(plain, size: size > ustarSizeMax ? 0 : size, type: UInt8(ascii: "0"))
    }

    /// The zeros that follow so many bytes of content.
    static func padding(after size: Int64) -> [UInt8] {
        let rest = Int(size % Int64(blockBytes))
        return [UInt8](repeating: 0, count: rest == 0 ? 0 : blockBytes - rest)
    }

    /// What a file takes in an archive without its head: its bytes and zeros up to the next block.
    static func paddedSize(_ size: Int64) -> Int64 {
        (size + Int64(blockBytes) - 1) / Int64(blockBytes) * Int64(blockBytes)
    }

    /// Two empty blocks end an archive.
    static let end = [UInt8](repeating: 0, count: 2 * blockBytes)

    /// A pax record begins with its own length, whose digits count too.
    static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = Array(" \(key)=\(value)\n".utf8)
        var length = rest.count
        while rest.count + "\(length)".utf8.count != length { length = rest.count + "\(length)".utf8.count }
        return Array("\(length)".utf8) + rest
    }

    private static func block(_ name: UstarName, size: Int64, type: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockBytes)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() where offset + index < blockBytes { block[offset + index] = byte }
        }
        put(name.name, at: 0)
        put(octal(0o644, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put(Array("        ".utf8), at: 148)
        put([type], at: 156)
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

/// A path as ustar holds it: up to 100 bytes, or up to 155 more of folders in front of a slash.
struct UstarName: Sendable {
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
        let slash = bytes.indices.last { bytes[$0] == UInt8(ascii: "/") && $0 <= 155 && $0 > 0 }
        guard let slash, bytes.count - slash - 1 <= 100, bytes.count - slash - 1 > 0 else { return nil }
        self.init(name: Array(bytes[(slash + 1)...]), prefix: Array(bytes[..<slash]))
    }
}
