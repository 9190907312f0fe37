import Glibc
import Testing

@testable import ScorerCore

@Suite("Pages that only the start needed")
struct StartupPagesTests {
    /// What a library looks like while the loader lays its data over its code: mapped as code, and written to.
    @Test("code that the loader has not wholly mapped keeps what was written to it")
    func halfMapped() throws {
        var template = Array("/tmp/startup-pages-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        try #require(file >= 0)
        defer {
            close(file)
            unlink(template)
        }
        let count = 4 * Int(getpagesize())
        try #require(ftruncate(file, count) == 0)
        let pages = try #require(mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0))
        try #require(pages != MAP_FAILED)
        defer { munmap(pages, count) }
        memset(pages, 7, count)
        try #require(mprotect(pages, count, PROT_READ | PROT_EXEC) == 0)

        StartupPages.giveBack()
        #expect(UnsafeRawBufferPointer(start: pages, count: count).allSatisfy { $0 == 7 })
    }

    @Test("code of loaded libraries leaves memory and works on")
    func givenBack() throws {
        let before = try residentCode()
        StartupPages.giveBack()
        let after = try residentCode()
        #expect(after < before, "\(before) KiB became \(after)")
    }

    /// KiB of files' code that the process occupies.
    private func residentCode() throws -> Int {
        let file = try #require(fopen("/proc/self/smaps", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 8192)
        var isCode = false
        var total = 0
        while fgets(&line, Int32(line.count), file) != nil {
            let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { continue }
            if first.contains("-") { isCode = words[1] == "r-xp" && words.count == 6 }
            if isCode, first == "Rss:" { total += Int(words[1]) ?? 0 }
        }
        return total
    }
}
