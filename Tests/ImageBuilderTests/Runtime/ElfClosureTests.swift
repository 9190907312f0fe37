import Glibc
import Testing

@testable import ImageBuilderCore

@Suite("Programs with their libraries")
struct ElfClosureTests {
    /// What the machine's own loader says that a program needs: real files by name.
    static func listing(of program: String) throws -> Set<String> {
        guard let pipe = popen("/lib64/ld-linux-x86-64.so.2 --list '\(program)'", "r") else { return [] }
        defer { pclose(pipe) }
        var (text, line): (String, [CChar]) = ("", [CChar](repeating: 0, count: 4096))
        while fgets(&line, 4096, pipe) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return Set(
            text.split(separator: "\n").compactMap { line in
                let words = line.split { $0 == " " || $0 == "\t" }
                return words.first { $0.hasPrefix("/") }.flatMap { realpath(String($0), nil) }.map { real in
                    defer { free(real) }
                    return String(cString: real)
                }
            })
    }

    #if arch(x86_64)
        @Test(
            "the closure of a program is what the loader lists, with the loader",
            arguments: ["/usr/bin/python3", "/usr/bin/curl", "/bin/ls", "/usr/lib/x86_64-linux-gnu/libpq.so.5"])
        func asTheLoader(program: String) throws {
            let closure = try ElfClosure.ofThisMachine([program])
            let real = Set(closure.members.map(\.file))
            let expected = try Self.listing(of: program)
            #expect(expected.count > 1)
            #expect(real.isSuperset(of: expected))
            let itself = Set(try ElfClosure.ofThisMachine([program]).members.filter { $0.path == program }.map(\.file))
            let loader = real.filter { $0.contains("ld-linux") }
            #expect(real.subtracting(expected).subtracting(itself).subtracting(loader).isEmpty)
        }
    #endif

    @Test("a library that is nowhere is named, with who needs it and where was looked")
    func missing() throws {
        let program = try SmallFile.read("/usr/bin/curl", upTo: 1 << 26)
        let error = #expect(throws: ElfClosureError.self) {
            _ = try ElfClosure(
                of: ["/app/curl"], searching: ["/nowhere"], exists: { _ in false }, resolve: { $0 },
                read: { _ in program })
        }
        #expect(error?.description.contains("/app/curl needs lib") == true)
        #expect(error?.description.hasSuffix("which is in none of /nowhere") == true)
    }

    @Test("whatever stands in a damaged file, reading it ends")
    func damaged() throws {
        let program = try SmallFile.read("/bin/ls", upTo: 1 << 26)
        #expect(throws: ElfError("is no ELF file")) { _ = try ElfFile(Array("#!/bin/sh".utf8)) }
        for count in stride(from: 4, to: 2000, by: 3) { _ = try? ElfFile(Array(program.prefix(count))) }
        for offset in 4..<1200 {
            for value in [0, 0x7F, 0xFF] as [UInt8] {
                var bytes = program
                bytes[offset] = value
                _ = try? ElfFile(bytes)
            }
        }
    }
}
