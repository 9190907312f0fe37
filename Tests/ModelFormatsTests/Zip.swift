/// Zip archives by hand, also such as no tool would write.
struct Zip {
    struct Entry {
        var name: String
        var content: [UInt8]
        var method: UInt16 = 0
        /// What the directory claims, where it lies.
        var claimedSize: UInt32?
    }

    static func archive(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = UInt32(bytes.count)
            let size = entry.claimedSize ?? UInt32(entry.content.count)
            let name = Array(entry.name.utf8)
            var facts =
                little(UInt16(20)) + little(UInt16(0)) + little(entry.method) + little(UInt32(0)) + little(UInt32(0))
            facts += little(size) + little(size) + little(UInt16(name.count)) + little(UInt16(0))
            bytes += little(UInt32(0x0403_4b50)) + facts + name + entry.content
            directory += little(UInt32(0x0201_4b50)) + little(UInt16(20)) + facts
            directory += [UInt8](repeating: 0, count: 10) + little(offset) + name
        }
        let end =
            little(UInt32(0x0605_4b50)) + little(UInt32(0)) + little(UInt16(entries.count))
            + little(UInt16(entries.count))
            + little(UInt32(directory.count)) + little(UInt32(bytes.count)) + little(UInt16(0))
        return bytes + directory + end
    }

    static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
