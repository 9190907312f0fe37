public enum ProtoDouble: FixedKind {
    @inlinable public static var wireType: UInt32 { 1 }
    @inlinable public static var initial: Double { 0 }
    public static func writeJSON(_ value: Double, to json: inout JSONWriter) { json.double(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Double? { try json.double() }
    public static func readJSONArray(into values: inout [Double], from json: inout JSONReader) throws {
        try json.elements { json in values.append(try json.double()) }
    }
}

public enum ProtoFloat: FixedKind {
    @inlinable public static var wireType: UInt32 { 5 }
    @inlinable public static var initial: Float { 0 }
    public static func writeJSON(_ value: Float, to json: inout JSONWriter) { json.float(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Float? { try json.float() }
    public static func readJSONArray(into values: inout [Float], from json: inout JSONReader) throws {
        try json.elements { json in values.append(try json.float()) }
    }
}

public enum ProtoBool: VarintKind, MapKeyKind {
    @inlinable public static var initial: Bool { false }
    @inlinable @inline(__always) public static func encode(_ value: Bool) -> UInt64 { value ? 1 : 0 }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> Bool { raw != 0 }
    public static func writeJSON(_ value: Bool, to json: inout JSONWriter) { json.boolean(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Bool? { try json.boolean() }
    public static func writeJSONKey(_ value: Bool, to json: inout JSONWriter) { json.key(value ? "true" : "false") }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw json.failure(.invalidValue, "a key of this map must be \"true\" or \"false\"")
        }
    }
}

public enum ProtoString: MapKeyKind {
    @inlinable public static var wireType: UInt32 { 2 }
    @inlinable public static var initial: String { "" }

    @inlinable @inline(__always)
    public static func size(_ value: String) -> Int { Wire.delimitedSize(value.utf8.count) }

    @inlinable @inline(__always)
    public static func write(_ value: String, to writer: inout Writer) {
        let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable { text in
            writer.raw(UnsafeRawBufferPointer(text))
            writer.varint(UInt64(truncatingIfNeeded: text.count))
        }
        if isWritten == nil { writeSlow(value, to: &writer) }
    }

    /// Writes a string whose bytes do not lie in one piece.
    @usableFromInline @inline(never)
    static func writeSlow(_ value: String, to writer: inout Writer) {
        var value = value
        value.makeContiguousUTF8()
        value.withUTF8 { text in
            writer.raw(UnsafeRawBufferPointer(text))
            writer.varint(UInt64(truncatingIfNeeded: text.count))
        }
    }

    @inlinable @inline(__always)
    public static func read(from reader: inout Reader) throws -> String { try reader.string() }

    public static func writeJSON(_ value: String, to json: inout JSONWriter) { json.string(value) }
    public static func readJSON(from json: inout JSONReader) throws -> String? { try json.string() }
    public static func writeJSONKey(_ value: String, to json: inout JSONWriter) { json.key(value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) -> String { text }
}

public enum ProtoBytes: FieldKind {
    @inlinable public static var wireType: UInt32 { 2 }
    @inlinable public static var initial: Bytes { [] }

    @inlinable @inline(__always)
    public static func size(_ value: Bytes) -> Int { Wire.delimitedSize(value.count) }

    @inlinable @inline(__always)
    public static func write(_ value: Bytes, to writer: inout Writer) {
        value.withUnsafeBytes { writer.raw($0) }
        writer.varint(UInt64(truncatingIfNeeded: value.count))
    }

    @inlinable @inline(__always)
    public static func read(from reader: inout Reader) throws -> Bytes { try reader.bytes() }

    public static func writeJSON(_ value: Bytes, to json: inout JSONWriter) { json.base64(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Bytes? { try json.base64() }
}

public enum ProtoMessage<M: Message>: FieldKind {
    @inlinable public static var wireType: UInt32 { 2 }
    @inlinable public static var initial: M { M() }

    @inlinable @inline(__always)
    public static func size(_ value: M) -> Int { Wire.size(value) }

    @inlinable @inline(__always)
    public static func write(_ value: M, to writer: inout Writer) { writer.message(value) }

    @inlinable @inline(__always)
    public static func read(from reader: inout Reader) throws -> M {
        var value = M()
        try reader.message(&value)
        return value
    }

    @inlinable @inline(__always)
    public static func merge(_ value: inout M, from reader: inout Reader) throws { try reader.message(&value) }

    public static func writeJSON(_ value: M, to json: inout JSONWriter) throws { try value.encodeJSON(into: &json) }
    public static func readJSON(from json: inout JSONReader) throws -> M? {
        var value = M()
        try value.mergeJSON(from: &json)
        return value
    }
    public static var readsNull: Bool { M.self == Google.Protobuf.Value.self }
}

public enum ProtoEnum<E: Enumeration>: VarintKind {
    @inlinable public static var initial: E { E(rawValue: 0) }

    @inlinable @inline(__always)
    public static func encode(_ value: E) -> UInt64 { UInt64(bitPattern: Int64(value.rawValue)) }

    @inlinable @inline(__always)
    public static func decode(_ raw: UInt64) -> E { E(rawValue: Int32(truncatingIfNeeded: raw)) }

    public static func writeJSON(_ value: E, to json: inout JSONWriter) { value.writeJSON(to: &json) }
    public static func readJSON(from json: inout JSONReader) throws -> E? { try E.readJSON(from: &json) }
    public static var readsNull: Bool { E.self == Google.Protobuf.NullValue.self }
}
