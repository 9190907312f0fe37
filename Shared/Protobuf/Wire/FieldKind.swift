/// How the values of one field type look on the wire and in JSON.
public protocol FieldKind {
    associatedtype Value: Sendable, Hashable
    static var wireType: UInt32 { get }
    /// The value of an absent field.
    static var initial: Value { get }
    /// The size without the tag, with the length where there is one.
    static func size(_ value: Value) -> Int
    static func write(_ value: Value, to writer: inout Writer)
    static func read(from reader: inout Reader) throws -> Value
    /// Reads a further occurrence: messages merge, everything else is replaced.
    static func merge(_ value: inout Value, from reader: inout Reader) throws
    static func readPackedIfPossible(into values: inout [Value], from reader: inout Reader) throws -> Bool

    static func writeJSON(_ value: Value, to json: inout JSONWriter) throws
    /// The value, or nil when the options say to pass over what this program does not know.
    static func readJSON(from json: inout JSONReader) throws -> Value?
    /// Reads a JSON array of values.
    static func readJSONArray(into values: inout [Value], from json: inout JSONReader) throws
    /// True for the kinds that have a value of their own for JSON's null.
    static var readsNull: Bool { get }
}

extension FieldKind {
    @inlinable @inline(__always)
    public static func merge(_ value: inout Value, from reader: inout Reader) throws {
        value = try read(from: &reader)
    }

    @inlinable
    public static func readPackedIfPossible(into values: inout [Value], from reader: inout Reader) throws -> Bool {
        false
    }

    @inlinable public static var readsNull: Bool { false }

    @inlinable
    public static func readJSONArray(into values: inout [Value], from json: inout JSONReader) throws {
        try json.elements { json in
            if let value = try readJSON(from: &json) { values.append(value) }
        }
    }
}

/// A number: repeated fields of it may be packed.
public protocol PackableKind: FieldKind {
    static func packedSize(_ values: [Value]) -> Int
    static func writePacked(_ values: [Value], to writer: inout Writer)
    static func readPacked(into values: inout [Value], from reader: inout Reader) throws
}

extension PackableKind {
    @inlinable
    public static func readPackedIfPossible(into values: inout [Value], from reader: inout Reader) throws -> Bool {
        try reader.packed(&values, Self.self)
        return true
    }
}

/// A kind that can be the key of a map.
public protocol MapKeyKind: FieldKind {
    /// The key as JSON text, which is always a string.
    static func writeJSONKey(_ value: Value, to json: inout JSONWriter)
    static func readJSONKey(_ text: String, from json: JSONReader) throws -> Value
}

/// A number of variable length.
public protocol VarintKind: PackableKind {
    static func encode(_ value: Value) -> UInt64
    static func decode(_ raw: UInt64) -> Value
}

extension VarintKind {
    @inlinable public static var wireType: UInt32 { 0 }

    @inlinable @inline(__always)
    public static func size(_ value: Value) -> Int { Wire.varintSize(encode(value)) }

    @inlinable @inline(__always)
    public static func write(_ value: Value, to writer: inout Writer) { writer.varint(encode(value)) }

    @inlinable @inline(__always)
    public static func read(from reader: inout Reader) throws -> Value { decode(try reader.varint()) }

    @inlinable
    public static func packedSize(_ values: [Value]) -> Int {
        var size = 0
        for value in values { size &+= Wire.varintSize(encode(value)) }
        return size
    }

    @inlinable
    public static func writePacked(_ values: [Value], to writer: inout Writer) {
        values.withUnsafeBufferPointer { buffer in
            var index = buffer.count
            while index > 0 {
                index &-= 1
                writer.varint(encode(buffer[index]))
            }
        }
    }

    @inlinable
    public static func readPacked(into values: inout [Value], from reader: inout Reader) throws {
        // Each number ends with the one byte of it whose top bit is clear, so their count is known beforehand.
        var count = 0
        var cursor = reader.position
        while cursor < reader.end {
            count &+= Int(truncatingIfNeeded: ~cursor.pointee &>> 7)
            cursor += 1
        }
        if values.isEmpty { values.reserveCapacity(count) }
        while reader.position < reader.end { values.append(decode(try reader.varint())) }
    }
}

/// A number of fixed width, little-endian like every machine this runs on.
public protocol FixedKind: PackableKind where Value: BitwiseCopyable {}

extension FixedKind {
    @inlinable @inline(__always)
    public static func size(_ value: Value) -> Int { MemoryLayout<Value>.size }

    @inlinable @inline(__always)
    public static func write(_ value: Value, to writer: inout Writer) { writer.fixed(value) }

    @inlinable @inline(__always)
    public static func read(from reader: inout Reader) throws -> Value { try reader.fixed(Value.self) }

    @inlinable
    public static func packedSize(_ values: [Value]) -> Int { values.count &* MemoryLayout<Value>.size }

    @inlinable
    public static func writePacked(_ values: [Value], to writer: inout Writer) {
        values.withUnsafeBytes { writer.raw($0) }
    }

    @inlinable
    public static func readPacked(into values: inout [Value], from reader: inout Reader) throws {
        let size = reader.end - reader.position
        let count = size / MemoryLayout<Value>.size
        guard count &* MemoryLayout<Value>.size == size else {
            throw reader.failure(.truncated, "packed numbers end inside a number")
        }
        if values.isEmpty {
            let source = UnsafeRawPointer(reader.position)
            values = [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
                if count > 0, let base = buffer.baseAddress {
                    UnsafeMutableRawPointer(base).copyMemory(from: source, byteCount: size)
                }
                initialized = count
            }
            reader.position += size
        } else {
            while reader.position < reader.end { values.append(try reader.fixed(Value.self)) }
        }
    }
}
