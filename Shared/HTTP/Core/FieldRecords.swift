import Glibc

/// Walks over the records of a `HeaderFields`: the length of the name, the length of the value, name, value. The buffer
/// is our own making, never a peer's.
@usableFromInline
struct FieldRecords {
    @usableFromInline
    struct Record {
        @usableFromInline let name: UnsafeRawBufferPointer
        @usableFromInline let value: UnsafeRawBufferPointer
        /// Where the record begins.
        @usableFromInline let start: Int

        @inlinable @inline(__always)
        init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, start: Int) {
            self.name = name
            self.value = value
            self.start = start
        }

        func isNamed(_ wanted: String.UTF8View) -> Bool {
            name.count == wanted.count && zip(name, wanted).allSatisfy { $0 == $1.asciiLowercased }
        }

        @inlinable @inline(__always)
        func isNamed(_ wanted: StaticString) -> Bool {
            guard name.count == wanted.utf8CodeUnitCount, let base = name.baseAddress else { return false }
            return memcmp(base, wanted.utf8Start, name.count) == 0
        }
    }

    /// Set in a name's length where the record is no field, or was removed.
    @inlinable static var hidden: UInt32 { 1 << 31 }
    @inlinable static var headBytes: Int { 8 }

    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var position = 0

    @inlinable @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inlinable @inline(__always)
    mutating func next() -> Record? {
        while position < bytes.count {
            let nameCount = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            let valueCount = Int(bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self))
            let start = position
            let name = start + FieldRecords.headBytes
            let value = name + Int(nameCount & ~FieldRecords.hidden)
            position = value + valueCount
            guard nameCount & FieldRecords.hidden == 0 else { continue }
            return Record(
                name: UnsafeRawBufferPointer(rebasing: bytes[name..<value]),
                value: UnsafeRawBufferPointer(rebasing: bytes[value..<position]), start: start)
        }
        return nil
    }

    /// Writes a record's head; its name and value must follow.
    @inline(__always)
    static func begin(nameCount: Int, valueCount: Int, isHidden: Bool = false, in storage: inout [UInt8]) {
        let head = (UInt32(nameCount) | (isHidden ? hidden : 0), UInt32(valueCount))
        withUnsafeBytes(of: head) { storage.append(contentsOf: $0) }
    }

    /// Makes a record invisible and leaves the others where they are.
    static func hide(_ record: Record, in bytes: UnsafeMutableRawBufferPointer) {
        let nameCount = bytes.loadUnaligned(fromByteOffset: record.start, as: UInt32.self)
        bytes.storeBytes(of: nameCount | hidden, toByteOffset: record.start, as: UInt32.self)
    }
}
