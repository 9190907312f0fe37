import Blobs
import Glibc
import Loop
import OCI
import Tar
import Testing

@testable import DeployerTargets

@Suite("unpacking")
struct UnpackingTests {
    /// Images, and a folder beside the roots that none of them may reach.
    final class Bench: Sendable {
        let images: TestImages
        let folder: TemporaryFolder
        let roots: ImageRoots

        init(bytesMax: Int64 = 1 << 30) async throws {
            images = try await TestImages()
            folder = try TemporaryFolder()
            roots = ImageRoots("\(folder.path)/roots", bytesMax: bytesMax, pool: images.pool)
            try Tree.make("\(folder.path)/victim")
            try write("\(folder.path)/victim/file", "untouched")
        }

        func write(_ path: String, _ text: String) throws {
            let file = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC)
            try file.write(Array(text.utf8)[...], path: path)
        }

        /// A layer of exactly these entries, in this order, whatever they say.
        func layer(_ entries: [(TarEntry, String)]) async throws -> Descriptor {
            var bytes: [UInt8] = []
            for (entry, text) in entries {
                var entry = entry
                if entry.kind == .file { entry.size = Int64(text.utf8.count) }
                bytes += TarHeader.bytes(of: entry) + Array(text.utf8) + TarHeader.padding(after: entry.size)
            }
            let pin = try await images.store.put(bytes + TarHeader.end)
            return Descriptor(mediaType: MediaType.layer, digest: pin.info.digest, size: pin.info.size)
        }

        func image(_ layers: [[(TarEntry, String)]]) async throws -> LocalImage {
            var written: [Descriptor] = []
            for entries in layers { written.append(try await layer(entries)) }
            let configuration = ImageConfiguration(
                platform: .current, entryPoint: ["/a"], layerContents: written.map(\.digest))
            return try await images.image(configuration, layers: written)
        }

        /// The root of an image of these layers.
        func unpack(_ layers: [[(TarEntry, String)]]) async throws -> String {
            let image = try await image(layers)
            try await roots.prepare(image) { _ in }
            return try #require(roots.path(of: image.digest))
        }

        func refusal(_ layers: [[(TarEntry, String)]]) async throws -> TargetError {
            do { _ = try await unpack(layers) } catch let error as TargetError { return error }
            return try #require(nil, "it was unpacked")
        }

        /// What the victim has, and whether anything unfinished is left.
        func isUnharmed() throws -> Bool {
            try Tree.names(in: "\(folder.path)/victim") == ["file"]
                && Bytes.ofFile("\(folder.path)/victim/file") == Array("untouched".utf8)
                && Tree.names(in: "\(folder.path)/roots").allSatisfy { !$0.hasPrefix(".") }
        }
    }

    private func link(_ path: String, _ target: String) -> (TarEntry, String) {
        (TarEntry(path: path, kind: .symbolicLink(to: target)), "")
    }

    private func file(_ path: String, _ text: String, mode: UInt16 = 0o644) -> (TarEntry, String) {
        (TarEntry(path: path, mode: mode), text)
    }

    private func text(_ path: String) throws -> String { String(decoding: try Bytes.ofFile(path), as: UTF8.self) }

    @Test("links that lead out of the root stay in it, in one layer and over several")
    func linksAreContained() async throws {
        let bench = try await Bench()
        let victim = "\(bench.folder.path)/victim"
        let climbing = String(repeating: "../", count: 20) + victim.dropFirst()
        for target in [victim, climbing] {
            for isOneLayer in [true, false] {
                let first = [link("out", target)]
                let second = [file("out/file", "evil"), file("out/new", "evil \(isOneLayer)")]
                let root = try await bench.unpack(isOneLayer ? [first + second] : [first, second])
                #expect(try bench.isUnharmed())
                #expect(try text("\(root)\(victim)/file") == "evil")
            }
        }
    }

    @Test("what is taken away through a link that leads out is not taken away outside")
    func whiteoutsAreContained() async throws {
        let bench = try await Bench()
        let victim = "\(bench.folder.path)/victim"
        _ = try await bench.unpack([[link("out", victim)], [file("out/.wh.file", "")]])
        _ = try await bench.unpack([[link("out", victim)], [file("out/.wh..wh..opq", "")]])
        _ = try await bench.unpack([[link("out", victim)], [file(".wh.out", "")]])
        _ = try await bench.unpack([[link("out", victim)], [(TarEntry(path: "out", kind: .folder), "")]])
        #expect(try bench.isUnharmed())
    }

    @Test("a file never follows the link that it replaces")
    func filesReplaceLinks() async throws {
        let bench = try await Bench()
        let root = try await bench.unpack([[link("a", "\(bench.folder.path)/victim/file")], [file("a", "mine")]])
        #expect(try text("\(root)/a") == "mine")
        #expect(try bench.isUnharmed())
    }

    @Test("hard links reach nothing outside of the root")
    func hardLinksAreContained() async throws {
        let bench = try await Bench()
        let victim = "\(bench.folder.path)/victim"
        func hard(_ path: String, _ target: String) -> (TarEntry, String) {
            (TarEntry(path: path, kind: .hardLink(to: target)), "")
        }
        #expect(try await bench.refusal([[hard("a", "../../victim/file")]]).code == .unusableImage)
        // Absolute ones are of the root, where there is no such file.
        _ = try await bench.refusal([[hard("a", "\(victim)/file")]])
        _ = try await bench.refusal([[link("out", victim), hard("a", "out/file")]])
        #expect(try bench.isUnharmed())
        let root = try await bench.unpack([[file("a", "one"), hard("b", "a")], [hard("c", "b")]])
        #expect(try text("\(root)/c") == "one")
    }

    @Test(
        "paths that lead out, and marks without a name, are refused",
        arguments: ["../a", "a/../../b", "/etc/a", ".wh..", "b/.wh."])
    func pathsAreContained(_ path: String) async throws {
        let bench = try await Bench()
        #expect(try await bench.refusal([[file(path, "evil")]]).code == .unusableImage)
        #expect(try bench.isUnharmed())
    }

    @Test("marks take away what is below their layer, and not what it brings itself")
    func marks() async throws {
        let bench = try await Bench()
        let root = try await bench.unpack([
            [file("d/low", "low"), file("d/both", "low"), file("d/sub/low", "low"), file("gone/a", "low")],
            // The mark comes last, as some writers have it.
            [
                file("d/both", "up"), file("d/sub/up", "up"), file("d/.wh..wh..opq", ""), file("d/.wh.both", ""),
                file(".wh.gone", ""),
            ],
        ])
        #expect(Tree.names(in: "\(root)/d").sorted() == ["both", "sub"])
        #expect(Tree.names(in: "\(root)/d/sub") == ["up"])
        #expect(access("\(root)/gone", F_OK) != 0)
    }

    @Test("an image whose paths go through its files, or in circles, is refused")
    func impossiblePaths() async throws {
        let bench = try await Bench()
        #expect(try await bench.refusal([[file("a", "a"), file("a/b", "b")]]).code == .unusableImage)
        #expect(try await bench.refusal([[link("a", "b"), link("b", "a"), file("a/c", "c")]]).code == .unusableImage)
        #expect(try bench.isUnharmed())
    }

    @Test("modes are kept, save those by which somebody becomes someone else, and devices are left out")
    func modes() async throws {
        let bench = try await Bench()
        let root = try await bench.unpack([
            [
                file("tool", "x", mode: 0o4755), file("secret", "x", mode: 0o640),
                (TarEntry(path: "sticky", kind: .folder, mode: 0o1777), ""),
                (TarEntry(path: "disk", kind: .other(UInt8(ascii: "4"))), ""),
            ]
        ])
        func mode(_ name: String) -> UInt32 {
            var status = stat()
            return lstat("\(root)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
        }
        #expect(mode("tool") == 0o755)
        #expect(mode("secret") == 0o640)
        #expect(mode("sticky") == 0o1777)
        #expect(access("\(root)/disk", F_OK) != 0)
    }

    @Test("an image that unfolds to more than is allowed is refused, and leaves nothing")
    func bombs() async throws {
        let bench = try await Bench(bytesMax: 1 << 20)
        var contents = LayerContents()
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        try contents.add(TarEntry(path: "zeros", size: Int64(zeros.count)), from: .bytes(zeros))
        let image = try await bench.images.image([try await bench.images.layer(contents)])
        await #expect(throws: TargetError.self) { try await bench.roots.prepare(image) { _ in } }
        #expect(bench.roots.path(of: image.digest) == nil)
        #expect(try bench.isUnharmed())
    }

    @Test("what a killed unpacking left does not count, and goes with the next")
    func leftovers() async throws {
        let bench = try await Bench()
        try Tree.make("\(bench.folder.path)/roots/.new-dead/half")
        // This one is being unpacked: somebody holds its lock.
        try Tree.make("\(bench.folder.path)/roots/.new-alive")
        let alive = try OpenFile("\(bench.folder.path)/roots/.new-alive", O_RDONLY | O_DIRECTORY)
        #expect(alive.lock(waits: false))
        _ = try await bench.unpack([[file("a", "a")]])
        #expect(Tree.names(in: "\(bench.folder.path)/roots").filter { $0.hasPrefix(".") } == [".new-alive"])
        withExtendedLifetime(alive) {}
    }

    @Test("an image that several want at once is unpacked once")
    func together() async throws {
        let bench = try await Bench()
        let image = try await bench.image([[file("a", "a")]])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await bench.roots.prepare(image) { _ in } } }
            try await group.waitForAll()
        }
        #expect(Tree.names(in: "\(bench.folder.path)/roots").count == 1)
    }

    @Test("users are read as numbers and as names of the image, and root is nobody's")
    func users() async throws {
        let bench = try await Bench()
        let path = try await bench.unpack([
            [
                file("etc/passwd", "root:x:0:0::/:\nada:x:1000:1001::/home:\n"),
                file("etc/group", "root:x:0:\nstaff:x:50:\n"),
            ]
        ])
        let tree = try RootTree(path)
        let ordinary = ImageUser.ordinary
        for (text, expected) in [
            ("", ordinary), ("0", ordinary), ("root", ordinary), ("root:root", ordinary),
            ("7", ImageUser(user: 7, group: ordinary.group)), ("7:8", ImageUser(user: 7, group: 8)),
            ("ada", ImageUser(user: 1000, group: 1001)), ("ada:staff", ImageUser(user: 1000, group: 50)),
            ("1000", ImageUser(user: 1000, group: 1001)), ("ada:0", ImageUser(user: 1000, group: ordinary.group)),
        ] {
            #expect(try ImageUser(text, in: tree) == expected, "\(text)")
        }
        #expect(throws: TargetError.self) { try ImageUser("eve", in: tree) }
        #expect(throws: TargetError.self) { try ImageUser("ada:eve", in: tree) }
    }
}
