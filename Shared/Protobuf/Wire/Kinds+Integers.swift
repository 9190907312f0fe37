// The integer kinds: four types, three ways to write each.

public enum ProtoInt32: VarintKind, MapKeyKind {
    @inlinable public static var initial: Int32 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: Int32) -> UInt64 {
        UInt64(bitPattern: Int64(value))
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> Int32 {
        Int32(truncatingIfNeeded: raw)
    }
    public static func writeJSON(_ value: Int32, to json: inout JSONWriter) { json.integer(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int32? { try json.integer(Int32.self) }
    public static func writeJSONKey(_ value: Int32, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int32 { try json.integerKey(text) }
}

public enum ProtoInt64: VarintKind, MapKeyKind {
    @inlinable public static var initial: Int64 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value)
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> Int64 {
        Int64(bitPattern: raw)
    }
    public static func writeJSON(_ value: Int64, to json: inout JSONWriter) { json.quotedInteger(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int64? { try json.integer(Int64.self) }
    public static func writeJSONKey(_ value: Int64, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int64 { try json.integerKey(text) }
}

public enum ProtoUInt32: VarintKind, MapKeyKind {
    @inlinable public static var initial: UInt32 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: UInt32) -> UInt64 {
        UInt64(value)
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: raw)
    }
    public static func writeJSON(_ value: UInt32, to json: inout JSONWriter) { json.integer(value) }
    public static func readJSON(from json: inout JSONReader) throws -> UInt32? { try json.integer(UInt32.self) }
    public static func writeJSONKey(_ value: UInt32, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> UInt32 { try json.integerKey(text) }
}

public enum ProtoUInt64: VarintKind, MapKeyKind {
    @inlinable public static var initial: UInt64 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: UInt64) -> UInt64 {
        value
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> UInt64 {
        raw
    }
    public static func writeJSON(_ value: UInt64, to json: inout JSONWriter) { json.quotedInteger(value) }
    public static func readJSON(from json: inout JSONReader) throws -> UInt64? { try json.integer(UInt64.self) }
    public static func writeJSONKey(_ value: UInt64, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> UInt64 { try json.integerKey(text) }
}

public enum ProtoSInt32: VarintKind, MapKeyKind {
    @inlinable public static var initial: Int32 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: (value &<< 1) ^ (value &>> 31)))
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> Int32 {
        Int32(bitPattern: UInt32(truncatingIfNeeded: raw) &>> 1) ^ -Int32(truncatingIfNeeded: raw & 1)
    }
    public static func writeJSON(_ value: Int32, to json: inout JSONWriter) { json.integer(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int32? { try json.integer(Int32.self) }
    public static func writeJSONKey(_ value: Int32, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int32 { try json.integerKey(text) }
}

public enum ProtoSInt64: VarintKind, MapKeyKind {
    @inlinable public static var initial: Int64 { 0 }
    @inlinable @inline(__always) public static func encode(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))
    }
    @inlinable @inline(__always) public static func decode(_ raw: UInt64) -> Int64 {
        Int64(bitPattern: raw &>> 1) ^ -Int64(bitPattern: raw & 1)
    }
    public static func writeJSON(_ value: Int64, to json: inout JSONWriter) { json.quotedInteger(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int64? { try json.integer(Int64.self) }
    public static func writeJSONKey(_ value: Int64, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int64 { try json.integerKey(text) }
}

public enum ProtoFixed32: FixedKind, MapKeyKind {
    @inlinable public static var initial: UInt32 { 0 }
    @inlinable public static var wireType: UInt32 { 5 }
    public static func writeJSON(_ value: UInt32, to json: inout JSONWriter) { json.integer(value) }
    public static func readJSON(from json: inout JSONReader) throws -> UInt32? { try json.integer(UInt32.self) }
    public static func writeJSONKey(_ value: UInt32, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> UInt32 { try json.integerKey(text) }
}

public enum ProtoFixed64: FixedKind, MapKeyKind {
    @inlinable public static var initial: UInt64 { 0 }
    @inlinable public static var wireType: UInt32 { 1 }
    public static func writeJSON(_ value: UInt64, to json: inout JSONWriter) { json.quotedInteger(value) }
    public static func readJSON(from json: inout JSONReader) throws -> UInt64? { try json.integer(UInt64.self) }
    public static func writeJSONKey(_ value: UInt64, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> UInt64 { try json.integerKey(text) }
}

public enum ProtoSFixed32: FixedKind, MapKeyKind {
    @inlinable public static var initial: Int32 { 0 }
    @inlinable public static var wireType: UInt32 { 5 }
    public static func writeJSON(_ value: Int32, to json: inout JSONWriter) { json.integer(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int32? { try json.integer(Int32.self) }
    public static func writeJSONKey(_ value: Int32, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int32 { try json.integerKey(text) }
}

public enum ProtoSFixed64: FixedKind, MapKeyKind {
    @inlinable public static var initial: Int64 { 0 }
    @inlinable public static var wireType: UInt32 { 1 }
    public static func writeJSON(_ value: Int64, to json: inout JSONWriter) { json.quotedInteger(value) }
    public static func readJSON(from json: inout JSONReader) throws -> Int64? { try json.integer(Int64.self) }
    public static func writeJSONKey(_ value: Int64, to json: inout JSONWriter) { json.key(integer: value) }
    public static func readJSONKey(_ text: String, from json: JSONReader) throws -> Int64 { try json.integerKey(text) }
}
