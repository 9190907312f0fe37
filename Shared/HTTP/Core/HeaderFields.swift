import Glibc

/// Header or trailer fields in the order they came. Names are lower-case. All bytes lie in one buffer, so that a request's
/// fields cost two allocations however many they are.
public struct HeaderFields: Sendable {
    /// A run of bytes inside the buffer.
    public struct Slot: Sendable {
        var start: UInt32 = 0
        var count: UInt32 = 0
    }
    struct Entry: Sendable {
        var name: Slot
        var value: Slot
    }

    var storage: [UInt8] = []
    var entries: [Entry] = []

    public init() {}

    init(reservingFor bytes: Int, entries count: Int) {
        storage.reserveCapacity(bytes)
        entries.reserveCapacity(count)
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// Adds a field and keeps others of the same name.
    public mutating func add(_ name: String, _ value: String) {
        let start = UInt32(storage.count)
        for byte in name.utf8 { storage.append(byte.asciiLowercased) }
        let middle = UInt32(storage.count)
        storage.append(contentsOf: value.utf8)
        appendEntry(start, middle)
    }

    /// Adds a field from bytes; the name is made lower-case.
    public mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let start = UInt32(storage.count)
        for byte in name { storage.append(byte.asciiLowercased) }
        let middle = UInt32(storage.count)
        storage.append(contentsOf: value)
        appendEntry(start, middle)
    }

    /// Adds a field whose name is known to be lower-case.
    @inline(__always)
    mutating func addLowercased(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let start = UInt32(storage.count)
        storage.append(contentsOf: name)
        let middle = UInt32(storage.count)
        storage.append(contentsOf: value)
        appendEntry(start, middle)
    }

    private mutating func appendEntry(_ start: UInt32, _ middle: UInt32) {
        entries.append(
            Entry(
                name: Slot(start: start, count: middle - start),
                value: Slot(start: middle, count: UInt32(storage.count) - middle)))
    }

    /// Replaces every field of the name by one.
    public mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    public mutating func remove(_ name: String) {
        guard contains(name) else { return }
        entries = entries.filter { !matches($0.name, name.utf8) }
    }

    public func contains(_ name: String) -> Bool { entries.contains { matches($0.name, name.utf8) } }

    /// The first value of the name.
    public subscript(name: String) -> String? {
        for entry in entries where matches(entry.name, name.utf8) { return string(entry.value) }
        return nil
    }

    /// Every value of the name, in order.
    public func values(_ name: String) -> [String] {
        entries.compactMap { matches($0.name, name.utf8) ? string($0.value) : nil }
    }

    /// The first value of the name as bytes, without making a string of it.
    public func withValue<Result>(
        _ name: StaticString, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        try storage.withUnsafeBytes { bytes in
            for entry in entries where entry.name.count == name.utf8CodeUnitCount {
                let start = Int(entry.name.start)
                if memcmp(bytes.baseAddress! + start, name.utf8Start, name.utf8CodeUnitCount) == 0 {
                    return try body(bytes.slice(entry.value))
                }
            }
            return nil
        }
    }

    /// Calls `body` with each field's bytes.
    public func forEachBytes(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        storage.withUnsafeBytes { bytes in
            for entry in entries { body(bytes.slice(entry.name), bytes.slice(entry.value)) }
        }
    }

    func string(_ slot: Slot) -> String {
        String(decoding: storage[Int(slot.start)..<Int(slot.start + slot.count)], as: UTF8.self)
    }

    /// Keeps bytes that are no field (a pseudo header's value) in the same buffer.
    @inline(__always)
    mutating func keep(_ bytes: UnsafeRawBufferPointer) -> Slot {
        let start = UInt32(storage.count)
        storage.append(contentsOf: bytes)
        return Slot(start: start, count: UInt32(bytes.count))
    }

    private func matches(_ slot: Slot, _ name: String.UTF8View) -> Bool {
        guard Int(slot.count) == name.count else { return false }
        var index = Int(slot.start)
        for byte in name {
            if storage[index] != byte.asciiLowercased { return false }
            index += 1
        }
        return true
    }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}

extension HeaderFields: Sequence {
    public func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var index = 0
        return AnyIterator {
            guard index < entries.count else { return nil }
            defer { index += 1 }
            return (string(entries[index].name), string(entries[index].value))
        }
    }
}

extension HeaderFields: Equatable {
    public static func == (left: HeaderFields, right: HeaderFields) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0 == $1 }
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always) func slice(_ slot: HeaderFields.Slot) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[Int(slot.start)..<Int(slot.start + slot.count)])
    }
}

extension UInt8 {
    @inline(__always) var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5a ? self | 0x20 : self }
}
