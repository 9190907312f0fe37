import Glibc

/// Header or trailer fields in the order they came. Names are lower-case. All lie in one buffer, so that a request's
/// fields cost one allocation and one reference however many they are.
public struct HeaderFields: Sendable {
    /// A run of bytes inside the buffer.
    public struct Slot: Sendable {
        var start: UInt32 = 0
        var count: UInt32 = 0
    }

    /// One record behind the other; see `FieldRecords`.
    @usableFromInline var storage: [UInt8] = []
    public private(set) var count = 0

    public init() {}

    init(reservingFor bytes: Int) { storage.reserveCapacity(bytes) }

    public var isEmpty: Bool { count == 0 }

    /// Adds a field and keeps others of the same name.
    public mutating func add(_ name: String, _ value: String) {
        begin(nameCount: name.utf8.count, valueCount: value.utf8.count)
        for byte in name.utf8 { storage.append(byte.asciiLowercased) }
        storage.append(contentsOf: value.utf8)
    }

    /// Adds a field from bytes; the name is made lower-case.
    public mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        begin(nameCount: name.count, valueCount: value.count)
        for byte in name { storage.append(byte.asciiLowercased) }
        storage.append(contentsOf: value)
    }

    /// Adds a field whose name is known to be lower-case.
    @inline(__always)
    mutating func addLowercased(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        begin(nameCount: name.count, valueCount: value.count)
        storage.append(contentsOf: name)
        storage.append(contentsOf: value)
    }

    @inline(__always)
    private mutating func begin(nameCount: Int, valueCount: Int) {
        FieldRecords.begin(nameCount: nameCount, valueCount: valueCount, in: &storage)
        count += 1
    }

    /// Replaces every field of the name by one.
    public mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    public mutating func remove(_ name: String) {
        storage.withUnsafeMutableBytes { bytes in
            var records = FieldRecords(UnsafeRawBufferPointer(bytes))
            while let record = records.next() {
                guard record.isNamed(name.utf8) else { continue }
                FieldRecords.hide(record, in: bytes)
                count -= 1
            }
        }
    }

    public func contains(_ name: String) -> Bool { find(name) { _ in } != nil }

    /// The first value of the name.
    public subscript(name: String) -> String? { find(name) { String(decoding: $0, as: UTF8.self) } }

    /// Every value of the name, in order.
    public func values(_ name: String) -> [String] {
        var values: [String] = []
        forEachRecord { record in
            if record.isNamed(name.utf8) { values.append(String(decoding: record.value, as: UTF8.self)) }
        }
        return values
    }

    private func find<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        withRecords { records in
            while let record = records.next() {
                if record.isNamed(name.utf8) { return body(record.value) }
            }
            return nil
        }
    }

    /// The first value of a name that is known beforehand and lower-case: quicker to look for.
    public func text(_ name: StaticString) -> String? {
        withValue(name) { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value of the name as bytes, without making a string of it.
    @inlinable @inline(__always)
    public func withValue<Result>(
        _ name: StaticString, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        try withRecords { records in
            while let record = records.next() {
                if record.isNamed(name) { return try body(record.value) }
            }
            return nil
        }
    }

    /// Calls `body` with each field's bytes.
    public func forEachBytes(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        forEachRecord { body($0.name, $0.value) }
    }

    @inline(__always)
    func forEachRecord(_ body: (FieldRecords.Record) -> Void) {
        withRecords { records in
            while let record = records.next() { body(record) }
        }
    }

    @inlinable @inline(__always)
    func withRecords<Result>(_ body: (inout FieldRecords) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { bytes in
            var records = FieldRecords(bytes)
            return try body(&records)
        }
    }

    // MARK: values that are no fields

    /// Keeps bytes that are no field (a pseudo header's value) in the same buffer.
    @inline(__always)
    mutating func keep(_ bytes: UnsafeRawBufferPointer) -> Slot {
        FieldRecords.begin(nameCount: 0, valueCount: bytes.count, isHidden: true, in: &storage)
        let start = UInt32(storage.count)
        storage.append(contentsOf: bytes)
        return Slot(start: start, count: UInt32(bytes.count))
    }

    func string(_ slot: Slot) -> String { withBytes(slot) { String(decoding: $0, as: UTF8.self) } }

    @inline(__always)
    func withBytes<Result>(_ slot: Slot, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { bytes in
            try body(UnsafeRawBufferPointer(rebasing: bytes[Int(slot.start)..<Int(slot.start + slot.count)]))
        }
    }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}

extension HeaderFields: Sequence {
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> {
        var list: [(name: String, value: String)] = []
        list.reserveCapacity(count)
        forEachRecord {
            list.append((String(decoding: $0.name, as: UTF8.self), String(decoding: $0.value, as: UTF8.self)))
        }
        return list.makeIterator()
    }
}

extension HeaderFields: Equatable {
    public static func == (left: HeaderFields, right: HeaderFields) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0 == $1 }
    }
}

extension UInt8 {
    @inline(__always) var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5a ? self | 0x20 : self }
}
