import CommandLineKit
import Glibc
import Tar
import Testing

@testable import Slipway

@Suite("Source trees")
struct SourceTreeTests {
    private func paths(_ files: [LocalFile]) -> [String] { files.map(\.path) }

    private func archive(_ files: [LocalFile]) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await SourceArchive(files: files).write { bytes += $0 }
        return bytes
    }

    @Test("the folder of the entry script goes along, without what its ignore file leaves out")
    func entryFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write([
            "score.py": "", "lib/a.py": "", "lib/__pycache__/a.pyc": "", ".git/HEAD": "", "data/x.csv": "",
            ".gitignore": "lib", ".slipwayignore": "data\n", "env.yml": "",
        ])
        let tree = try SourceTree(folder: nil, entry: folder.path("score.py"), dependencies: folder.path("env.yml"))
        #expect(paths(tree.files) == ["env.yml", "lib/a.py", "score.py"])
        #expect(tree.entry == "score.py")
        #expect(tree.dependencies == "env.yml")
        #expect(tree.ignoreFile == ".slipwayignore")
    }

    @Test("the first ignore file that is there counts, and the others not at all", arguments: [1, 2, 3, 4])
    func precedence(_ count: Int) throws {
        let folder = try TemporaryFolder()
        let names = IgnoreRules.fileNames.suffix(count)
        for name in names { try folder.write([name: "a\(name)\n"]) }
        try folder.write(Dictionary(uniqueKeysWithValues: IgnoreRules.fileNames.map { ("a\($0)", "") }))
        let tree = try SourceTree(folder: folder.root, entry: nil, dependencies: nil)
        #expect(tree.ignoreFile == names.first)
        #expect(tree.files.count == 3)
    }

    @Test("what is elsewhere or left out is added all the same, and two of a name are refused")
    func added() throws {
        let folder = try TemporaryFolder()
        try folder.write(["src/a.py": "", "src/env.yml": "", "src/.gitignore": "env.yml", "score.py": "", "a.py": ""])
        let source = folder.path("src")
        let tree = try SourceTree(folder: source, entry: folder.path("score.py"), dependencies: "env.yml")
        #expect(paths(tree.files) == ["a.py", "env.yml", "score.py"])
        #expect(tree.entry == "score.py" && tree.dependencies == "env.yml")
        #expect { _ = try SourceTree(folder: source, entry: folder.path("a.py"), dependencies: nil) } throws: { error in
            (error as? Failure)?.message.contains("is another file") == true
        }
        #expect { _ = try SourceTree(folder: source, entry: "nope.py", dependencies: nil) } throws: { error in
            (error as? Failure)?.code == .notFound
        }
    }

    @Test("a dependency file alone is a tree")
    func dependenciesAlone() throws {
        let folder = try TemporaryFolder()
        try folder.write(["r/requirements.txt": "numpy", "r/other": ""])
        let tree = try SourceTree(folder: nil, entry: nil, dependencies: folder.path("r/requirements.txt"))
        #expect(paths(tree.files) == ["requirements.txt"])
    }

    @Test("a link within the folder is followed, and one that leads out is refused")
    func links() throws {
        let folder = try TemporaryFolder()
        try folder.write(["src/real/a.py": "12", "secret": "", "src/score.py": ""])
        symlink("real/a.py", folder.path("src/link.py"))
        symlink("real", folder.path("src/folder"))
        let source = folder.path("src")
        let files = try SourceTree(folder: source, entry: nil, dependencies: nil).files
        #expect(paths(files) == ["folder/a.py", "link.py", "real/a.py", "score.py"])
        #expect(files.first { $0.path == "link.py" }?.size == 2)
        for (target, message) in [("../secret", "leads out"), ("nothing", "leads nowhere"), (".", "that it is in")] {
            symlink(target, folder.path("src/bad"))
            #expect { _ = try SourceTree(folder: source, entry: nil, dependencies: nil) } throws: { error in
                (error as? Failure)?.message.contains(message) == true
            }
            unlink(folder.path("src/bad"))
        }
    }

    @Test("a pipe is refused, and left alone where the ignore file says so")
    func pipe() throws {
        let folder = try TemporaryFolder()
        try folder.write(["a.py": ""])
        mkfifo(folder.path("queue"), 0o600)
        #expect(throws: Failure.self) { try SourceTree(folder: folder.root, entry: nil, dependencies: nil) }
        try folder.write([".slipwayignore": "queue"])
        #expect(paths(try SourceTree(folder: folder.root, entry: nil, dependencies: nil).files) == ["a.py"])
    }

    @Test("an asset goes along whole, but for what .slipwayignore leaves out")
    func asset() throws {
        let folder = try TemporaryFolder()
        try folder.write(["a.csv": "", "b.tmp": "", ".gitignore": "*.csv", ".slipwayignore": "*.tmp"])
        #expect(paths(try SourceTree(asset: folder.root).files) == ["a.csv"])
    }

    @Test("the same files give the same archive, whatever their times and permissions")
    func deterministic() async throws {
        var archives: [[UInt8]] = []
        for (mode, time) in [(0o600, 1), (0o666, 1_000_000_000)] as [(mode_t, Int)] {
            let folder = try TemporaryFolder()
            let names = [
                "b/c.txt": "three", "a.sh": "#!/bin/sh", "b-x": "",
                "b/é/long" + String(repeating: "x", count: 150): "y",
            ]
            for (path, text) in mode == 0o600 ? names.sorted(by: <) : names.sorted(by: >) {
                try folder.write([path: text])
                chmod(folder.path(path), path == "a.sh" ? mode | 0o100 : mode)
                var times = [timeval(tv_sec: time, tv_usec: 0), timeval(tv_sec: time, tv_usec: 0)]
                utimes(folder.path(path), &times)
            }
            archives.append(try await archive(try SourceTree(folder: folder.root, entry: nil, dependencies: nil).files))
        }
        #expect(archives[0] == archives[1])
        var entries: [TarEntry] = []
        var reader = TarReader()
        var rest = archives[0][...]
        while let event = try reader.next(&rest) { if case .entry(let entry) = event { entries.append(entry) } }
        #expect(entries.map(\.path).prefix(4) == ["a.sh", "b-x", "b", "b/c.txt"])
        #expect(entries.map(\.mode).prefix(4) == [0o755, 0o644, 0o755, 0o644])
        #expect(reader.mayEnd)
    }

    @Test("an archive has the size that was said before, over many pieces")
    func size() async throws {
        let folder = try TemporaryFolder()
        try folder.write(["large": String(repeating: "x", count: 3_000_001), "small": "y", "empty": ""])
        let archive = SourceArchive(files: try SourceTree(folder: folder.root, entry: nil, dependencies: nil).files)
        var sizes: [Int] = []
        try await archive.write { sizes.append($0.count) }
        #expect(Int64(sizes.reduce(0, +)) == archive.size)
        #expect(sizes.count > 2)
    }

    @Test(
        "a file that changes while it is sent is told", arguments: ["shorter", String(repeating: "longer", count: 9)])
    func changed(_ text: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write(["a": "as it was before"])
        let files = try SourceTree(folder: folder.root, entry: nil, dependencies: nil).files
        try folder.write(["a": text])
        await #expect(throws: Failure.self) { try await SourceArchive(files: files).write { _ in } }
    }
}
