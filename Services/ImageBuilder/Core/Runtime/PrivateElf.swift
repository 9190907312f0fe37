/// Changes ELF files so that they run out of a folder of their own, whatever the system around them has for a loader and
/// for libraries. What comes out depends on the bytes that went in and on nothing else.
enum PrivateElf {
    /// Of how files are changed. Part of what decides a layer's bytes: counts up with every change of that.
    static let revision = 1

    /// - Parameter loader: the path that programs name as their loader; no longer than what they name now.
    ///   Libraries name none.
    /// - Returns: the file without what no loader reads (debugging information, symbols of the linker, section headers),
    ///   with its own folders kept in the old form, which also holds for libraries of libraries, and which, other than
    ///   the new form, lets the program's folders be looked at too.
    /// - Throws: `ElfError`.
    static func rewritten(_ bytes: [UInt8], loader: String) throws(ElfError) -> [UInt8] {
        // Checks everything that is relied on below.
        _ = try ElfFile(bytes)
        var file = bytes
        let (start, size, count) = (number(file, 32, 8), number(file, 54, 2), number(file, 56, 2))
        var end = start + size * count
        for index in 0..<count {
            let header = start + index * size
            let (kind, offset, length) = (
                number(file, header, 4), number(file, header + 8, 8), number(file, header + 32, 8)
            )
            guard offset >= 0, length >= 0, offset <= bytes.count, length <= bytes.count - offset else {
                throw ElfError("has a segment outside of the file")
            }
            end = max(end, offset + length)
            switch kind {
            case 2: keepFoldersInOldForm(&file, offset, length)
            case 3:
                let path = Array(loader.utf8) + [0]
                guard path.count <= length else {
                    throw ElfError("has room for a loader's path of \(length - 1) bytes only, and none for \(loader)")
                }
                file.replaceSubrange(offset..<offset + path.count, with: path)
                set(&file, header + 32, 8, path.count)
                set(&file, header + 40, 8, path.count)
            default: break
            }
        }
        // No section headers, as they would lie behind the end.
        set(&file, 40, 8, 0)
        set(&file, 60, 2, 0)
        set(&file, 62, 2, 0)
        return Array(file[..<min(end, file.count)])
    }

    /// Tags of the dynamic section: RUNPATH becomes RPATH.
    private static func keepFoldersInOldForm(_ file: inout [UInt8], _ offset: Int, _ length: Int) {
        for entry in stride(from: offset, to: offset + length - 15, by: 16) {
            switch number(file, entry, 8) {
            case 0: return
            case 29: set(&file, entry, 8, 15)
            default: continue
            }
        }
    }

    /// Of bytes that `ElfFile` has read before: they are there.
    private static func number(_ file: [UInt8], _ offset: Int, _ count: Int) -> Int {
        var value = UInt64(0)
        for index in 0..<count where file.indices.contains(offset + index) {
            value |= UInt64(file[offset + index]) << UInt64(8 * index)
        }
        return Int(truncatingIfNeeded: min(value, UInt64(Int.max / 4)))
    }

    private static func set(_ file: inout [UInt8], _ offset: Int, _ count: Int, _ value: Int) {
        for index in 0..<count where file.indices.contains(offset + index) {
            file[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }
}
