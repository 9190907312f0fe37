import Blobs
import Glibc
import Testing

@testable import ImageBuilderCore

@Suite("Programs in a folder of their own")
struct PrivateElfTests {
    @Test(
        "a program runs with the loader and the libraries beside it, and without what no loader reads",
        arguments: ["/bin/ls", "/usr/bin/curl"])
    func runs(program: String) throws {
        let folder = try Workshop.temporaryFolder()
        defer { try? Workshop.shell("rm -rf '\(folder)'") }
        let closure = try ElfClosure.ofThisMachine([program])
        for member in closure.members {
            let name = member.path == program ? "program" : MachineParts.name(member.path)
            let bytes = try SmallFile.read(member.file, upTo: 1 << 28)
            let isLoader = MachineParts.isLoader(member)
            try Workshop.write(
                isLoader ? bytes : try PrivateElf.rewritten(bytes, loader: "\(folder)/ld.so"),
                to: "\(folder)/\(isLoader ? "ld.so" : name)")
        }
        try Workshop.shell("chmod +x '\(folder)'/*")
        try Workshop.shell("'\(folder)/program' --version > '\(folder)/said'")
        #expect(try !SmallFile.read("\(folder)/said", upTo: 1 << 20).isEmpty)
        let elf = try ElfFile(try SmallFile.read("\(folder)/program", upTo: 1 << 28))
        #expect(elf.interpreter == "\(folder)/ld.so")
    }

    @Test("folders of a program also hold for libraries of its libraries, and a second time changes nothing")
    func folders() throws {
        let bytes = try SmallFile.read("/proc/self/exe", upTo: 1 << 30)
        let before = try ElfFile(bytes)
        let rewritten = try PrivateElf.rewritten(bytes, loader: "/slipway/lib/ld.so")
        let after = try ElfFile(rewritten)
        #expect(after.needed == before.needed)
        #expect(after.runPaths == before.runPaths)
        #expect(before.runPaths.isEmpty || after.runPathsAreInherited)
        #expect(rewritten.count < bytes.count)
        #expect(try PrivateElf.rewritten(rewritten, loader: "/slipway/lib/ld.so") == rewritten)
    }

    @Test("a loader's path that has no room, and files that are no programs or cut short, are refused")
    func refused() throws {
        let bytes = try SmallFile.read("/bin/ls", upTo: 1 << 28)
        #expect(throws: ElfError.self) {
            try PrivateElf.rewritten(bytes, loader: "/a/path/that/is/longer/than/the/usual/one/ld.so")
        }
        for count in [0, 3, 63, 64, 120, 500] {
            #expect(throws: ElfError.self) {
                try PrivateElf.rewritten(Array(bytes.prefix(count)), loader: "/slipway/lib/ld.so")
            }
        }
    }

    @Test("a file's digest is kept until the file changes")
    func digests() throws {
        let folder = try Workshop.temporaryFolder()
        defer { try? Workshop.shell("rm -rf '\(folder)'") }
        let digests = FileDigests()
        try Workshop.write([1], to: "\(folder)/file")
        #expect(try digests.digest("\(folder)/file") == BlobHasher.digest([1]))
        try Workshop.write([2, 3], to: "\(folder)/file")
        #expect(try digests.digest("\(folder)/file") == BlobHasher.digest([2, 3]))
        #expect(throws: SmallFile.Failure.self) { try digests.digest("\(folder)/none") }
    }
}
