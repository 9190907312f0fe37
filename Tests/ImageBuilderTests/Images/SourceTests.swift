import Contracts
import RPC
import Tar
import Testing

@testable import Blobs
@testable import ImageBuilderCore

@Suite("source trees")
struct SourceTests {
    @Test("the same tree has the same digest, whatever the archive says of owners, order and folders")
    func digest() async throws {
        try await withBuilder { builder in
            let contents = ["a.py": "1", "b/c.py": "2"]
            let first = try await builder.upload([TarEntry(path: "a.py"), TarEntry(path: "b/c.py")], contents)
            let second = try await builder.upload(
                [
                    TarEntry(path: "b", kind: .folder), TarEntry(path: "b/c.py", owner: 1000, group: 7),
                    TarEntry(path: "a.py", mode: 0o600),
                ], contents)
            #expect(first == second)
            #expect(first.files == 2)
            #expect(first.sizeBytes == 2)
            let executable = try await builder.upload(
                [TarEntry(path: "a.py", mode: 0o755), TarEntry(path: "b/c.py")], contents)
            #expect(executable.digest != first.digest)
            #expect(try await builder.journal("source.uploaded").count == 2)
        }
    }

    @Test("links are followed within the tree")
    func followsLinks() async throws {
        try await withBuilder { builder in
            let tree = try await builder.upload(
                [
                    TarEntry(path: "data/x.txt"), TarEntry(path: "near", kind: .symbolicLink(to: "data/x.txt")),
                    TarEntry(path: "all", kind: .symbolicLink(to: "data")),
                    TarEntry(path: "sub/up", kind: .symbolicLink(to: "../data/x.txt")),
                    TarEntry(path: "sub/same", kind: .hardLink(to: "data/x.txt")),
                ], ["data/x.txt": "x"])
            let digest = try #require(BlobDigest(tree.digest))
            let found = try await builder.parts.sources.tree(digest, in: builder.fixture.lab.databaseID)
            #expect(
                found?.files.map(\.path) == ["all/x.txt", "data/x.txt", "near", "sub/same", "sub/up"])
            #expect(Set(found?.files.map(\.digest) ?? []).count == 1)
        }
    }

    @Test(
        "what leads out of the tree, round in circles or nowhere is refused",
        arguments: [
            [TarEntry(path: "../x")], [TarEntry(path: "/etc/passwd")],
            [TarEntry(path: "l", kind: .symbolicLink(to: "/etc/passwd"))],
            [TarEntry(path: "l", kind: .symbolicLink(to: "../x"))],
            [TarEntry(path: "l", kind: .symbolicLink(to: "l"))],
            [TarEntry(path: "d", kind: .folder), TarEntry(path: "d/l", kind: .symbolicLink(to: "."))],
            [TarEntry(path: "l", kind: .symbolicLink(to: "gone"))],
            [TarEntry(path: "x"), TarEntry(path: "x")], [TarEntry(path: "x"), TarEntry(path: "x/y")],
            [TarEntry(path: "p", kind: .other(UInt8(ascii: "6")))], [],
        ])
    func refuses(entries: [TarEntry]) async throws {
        try await withBuilder { builder in
            let error = await failure { _ = try await builder.upload(entries) }
            #expect(error?.code == .invalidArgument)
            let kept = try await builder.count("sources")
            #expect(kept == 0)
        }
    }

    @Test(
        "links to folders of links that open more ways than anybody can go are refused, also without a file at their end"
    )
    func endlessLinks() throws {
        var links = SourceLinks(filesMax: 2000)
        for level in 0..<60 {
            for name in ["a", "b"] {
                try links.add(linkAt: "f\(level)/\(name)", to: "../f\(level + 1)", isHard: false)
            }
        }
        try links.add(folder: "f60")
        let fault = #expect(throws: SourceFault.self) { try links.followed() }
        #expect(fault?.code == .tooLarge)
    }

    @Test("more folders than a tree can sensibly have are refused as they come")
    func endlessFolders() throws {
        var links = SourceLinks(filesMax: 10)
        let deep = (0..<40).map { _ in "d" }.joined(separator: "/")
        try links.add(folder: deep)
        let fault = #expect(throws: SourceFault.self) { try links.add(folder: "e/" + deep) }
        #expect(fault?.code == .tooLarge)
    }

    @Test("more files or bytes than the settings allow are refused before they are taken in")
    func limits() async throws {
        var limits = SourceLimits()
        limits.files = 2
        let store = MemoryBlobStore()
        var archive: [UInt8] = []
        for name in ["a", "b", "c"] { archive += TarHeader.bytes(of: TarEntry(path: name)) }
        var intake = SourceIntake(into: store, limits: limits)
        await #expect(throws: SourceFault.self) { try await intake.take(archive[...]) }
        limits = SourceLimits()
        limits.bytes = .init(10)
        let header = TarHeader.bytes(of: TarEntry(path: "a", size: 11))[...]
        var large = SourceIntake(into: store, limits: limits)
        await #expect(throws: SourceFault.self) {
            try await large.take(header)
        }
    }
}
