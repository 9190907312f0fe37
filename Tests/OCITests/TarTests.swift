import Glibc
import Tar
import TestKit
import Testing

@Suite("Tar archives")
struct TarTests {
    static let entries: [TarEntry] = [
        TarEntry(path: "bin", kind: .folder),
        TarEntry(path: "bin/scorer", mode: 0o755, size: 5, owner: 10_001, group: 10_001),
        TarEntry(path: "bin/s", kind: .symbolicLink(to: "scorer")),
        TarEntry(path: "bin/h", kind: .hardLink(to: "bin/scorer")),
        TarEntry(path: String(repeating: "deep/", count: 60) + "leaf", size: 3),
        TarEntry(path: String(repeating: "n", count: 200), size: 1),
        TarEntry(path: "modèles/été", size: 2),
        TarEntry(path: "far", kind: .symbolicLink(to: String(repeating: "t/", count: 80) + "t")),
        TarEntry(path: "late", size: 0, owner: 3_000_000, group: 3_000_000),
    ]

    static func archive() -> [UInt8] {
        entries.flatMap { entry in
            TarHeader.bytes(of: entry) + [UInt8](repeating: UInt8(ascii: "x"), count: Int(entry.size))
                + TarHeader.padding(after: entry.size)
        } + TarHeader.end
    }

    /// All entries, with the bytes of each.
    static func read(_ bytes: [UInt8], by piece: Int) throws -> [(TarEntry, [UInt8])] {
        var (reader, found): (TarReader, [(TarEntry, [UInt8])]) = (TarReader(), [])
        var start = 0
        while start < bytes.count {
            var input = bytes[start..<min(start + piece, bytes.count)]
            start += piece
            while let event = try reader.next(&input) {
                switch event {
                case .entry(let entry): found.append((entry, []))
                case .contents(let part): found[found.count - 1].1 += part
                case .end: break
                }
            }
        }
        #expect(reader.mayEnd)
        return found
    }

    @Test("what is written reads back, however the bytes are cut", arguments: [1, 7, 512, 1000, 1 << 20])
    func readsBack(piece: Int) throws {
        let found = try Self.read(Self.archive(), by: piece)
        #expect(found.map(\.0) == Self.entries)
        for (entry, bytes) in found { #expect(bytes.count == Int(entry.size)) }
    }

    /// An entry with such a record in front of it.
    private static func archive(pax key: String, _ value: String) -> [UInt8] {
        let record = TarHeader.record(key, value)
        var head = TarHeader.bytes(of: TarEntry(path: "record", size: Int64(record.count)))
        head[156] = UInt8(ascii: "x")
        // The checksum knows of another kind.
        let sum = head.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 0x20 : Int(head[$1])) }
        let digits = Array(String(sum, radix: 8).utf8)
        head.replaceSubrange(
            148..<156, with: [UInt8](repeating: 0x30, count: 6 - digits.count) + digits + [0, 0x20])
        return head + record + TarHeader.padding(after: Int64(record.count)) + TarHeader.bytes(of: TarEntry(path: "x"))
    }

    @Test(
        "a size or a path that nothing has is refused, before anything is made of it",
        arguments: [
            ("size", "\(Int64.max)"), ("size", "\(Int64.max - 511)"), ("path", String(repeating: "p", count: 4097)),
            ("linkpath", String(repeating: "p", count: 4097)),
        ])
    func refusesHuge(key: String, value: String) {
        #expect(throws: TarError.self) { try Self.read(Self.archive(pax: key, value), by: 512) }
    }

    @Test("GNU tar lists what was written, with modes, owners and links")
    func gnuReads() throws {
        let listing = try Tool.run("tar", ["--numeric-owner", "-tvf", "-"], input: Self.archive())
        #expect(listing.contains("-rwxr-xr-x 10001/10001"))
        #expect(listing.contains("bin/s -> scorer"))
        #expect(listing.contains("bin/h link to bin/scorer"))
        #expect(listing.contains("3000000/3000000"))
        #expect(listing.contains(String(repeating: "deep/", count: 60) + "leaf"))
        #expect(listing.split(separator: "\n").count == Self.entries.count)
    }

    @Test("archives of GNU tar read, in each of its formats", arguments: ["gnu", "pax", "ustar", "v7"])
    func readsGNU(format: String) throws {
        let folder = try Tool.folder()
        defer { Tool.remove(folder) }
        let long = format == "gnu" || format == "pax"
        let name = long ? String(repeating: "l", count: 180) : "short"
        try Tool.shell("mkdir -p '\(folder)/a/b' && printf hello > '\(folder)/a/b/\(name)' && ln -s b '\(folder)/a/c'")
        let bytes = try Tool.bytes("tar", ["--format=\(format)", "-C", folder, "-cf", "-", "a"])
        let found = try Self.read(bytes, by: 999)
        #expect(Set(found.map(\.0.path)) == ["a", "a/b", "a/b/\(name)", "a/c"])
        #expect(found.first { $0.0.path.hasSuffix(name) }?.1 == Array("hello".utf8))
        #expect(found.first { $0.0.path == "a/c" }?.0.kind == .symbolicLink(to: "b"))
    }

    @Test("a damaged header is refused with its place")
    func damaged() throws {
        var bytes = Self.archive()
        bytes[600] ^= 0x20
        #expect(throws: TarError(.malformed, "byte 1024 of the archive: a header's checksum is wrong")) {
            _ = try Self.read(bytes, by: 512)
        }
    }

    @Test("whatever the bytes, reading ends with entries or an error", arguments: [1, 2, 3] as [UInt64])
    func hostile(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var bytes = Self.archive()
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var (reader, input) = (TarReader(), bytes[...])
            while let event = try? reader.next(&input), event != .end {}
        }
    }

    @Test(
        "a path that leads out of an image is refused",
        arguments: ["/etc/passwd", "../x", "a/../../x", "a/..", "with\u{0}zero"])
    func paths(path: String) {
        #expect(throws: TarError.self) { _ = try TarPath.normal(path) }
    }

    @Test("what means nothing in a path goes")
    func normal() throws {
        #expect(try TarPath.normal("./a//b/./c/") == "a/b/c")
        #expect(TarPath.folders(above: "a/b/c") == ["a", "a/b"])
    }
}
