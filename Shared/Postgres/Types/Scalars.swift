extension Bool: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .bool }
    public func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Bool {
        guard cell.type == .bool else { throw .mismatch }
        return try cell.integer(UInt8.self) != 0
    }
}

extension PostgresCell {
    /// Any integer of the server, widened: never narrowed, so that a column's growth shows in the first test.
    @inline(__always)
    fileprivate func widened<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresCellError) -> Value {
        let width = MemoryLayout<Value>.size
        switch type {
        case .int8 where width >= 8: return Value(truncatingIfNeeded: try integer(Int64.self))
        case .int4 where width >= 4: return Value(truncatingIfNeeded: try integer(Int32.self))
        case .int2: return Value(truncatingIfNeeded: try integer(Int16.self))
        case .oid where width >= 8, .xid where width >= 8: return Value(truncatingIfNeeded: try integer(UInt32.self))
        case .xid8 where width >= 8:
            guard let value = Value(exactly: try integer(UInt64.self)) else { throw .outOfRange }
            return value
        case .numeric where width >= 8:
            guard let value = Value(try PostgresNumericText(self).description) else { throw .outOfRange }
            return value
        default: throw .mismatch
        }
    }
}

extension Int16: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .int2 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Int16 { try cell.widened(Int16.self) }
}

extension Int32: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .int4 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Int32 { try cell.widened(Int32.self) }
}

extension Int64: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Int64 { try cell.widened(Int64.self) }
}

extension Int: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(Int64(self)) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Int { try cell.widened(Int.self) }
}

extension Float: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .float4 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(bitPattern) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Float {
        guard cell.type == .float4 else { throw .mismatch }
        return Float(bitPattern: try cell.integer(UInt32.self))
    }
}

extension Double: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .float8 }
    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(bitPattern) }
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Double {
        switch cell.type {
        case .float8: return Double(bitPattern: try cell.integer(UInt64.self))
        case .float4: return Double(Float(bitPattern: try cell.integer(UInt32.self)))
        case .numeric:
            guard let value = Double(try PostgresNumericText(cell).description) else { throw .outOfRange }
            return value
        default: throw .mismatch
        }
    }
}

extension String: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .text }

    /// The server's text can't hold a zero character and refuses it.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: utf8) }

    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> String {
        switch cell.type {
        case .text, .varchar, .bpchar, .name, .json, .char: return String(decoding: cell.bytes, as: UTF8.self)
        case .jsonb: return try PostgresJSON.decode(cell).text
        case .uuid: return try PostgresUUID.decode(cell).description
        case .numeric: return try PostgresNumericText(cell).description
        default:
            // Enumerations and domains of the user come as text; composite types hold zero bytes and do not.
            guard cell.type.isUserDefined, !cell.bytes.contains(0) else { throw .mismatch }
            return String(decoding: cell.bytes, as: UTF8.self)
        }
    }
}
