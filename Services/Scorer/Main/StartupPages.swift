import Glibc

/// Pages of code that only the start needed.
///
/// Half of what an idle scorer keeps resident is code that ran once: settings, the runtime's look through all types, the
/// libraries' beginnings. They are the files' pages and nobody writes them, so the kernel takes them back without a loss
/// and maps those that are needed again from its cache, at about a microsecond for sixteen of them.
enum StartupPages {
    private static let mapsMax = 1 << 20

    /// Gives them back. Other threads may run meanwhile. A debugger's breakpoint that was set before is lost.
    static func giveBack() {
        for line in maps().split(separator: "\n") {
            // Range, rights, offset, device, inode, path. Code alone: constants may have been relocated, and are no more
            // the file's once they were.
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count == 6, words[1] == "r-xp", words[5].contains("/") else { continue }
            let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1], let first = UnsafeMutableRawPointer(bitPattern: ends[0]) else {
                continue
            }
            madvise(first, Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }

    private static func maps() -> String {
        let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while text.count < mapsMax {
            let count = read(file, &piece, piece.count)
            guard count > 0 else { break }
            text.append(contentsOf: piece[..<count])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
