/// A type whose arrays the server knows. `[UInt8]` is the exception: it is a `bytea`.
public protocol PostgresArrayElement: Sendable {
    static var postgresArrayType: PostgresType { get }
    static func encode(array: [Self], into buffer: inout [UInt8])
    static func decode(array cell: PostgresCell) throws(PostgresCellError) -> [Self]
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }
    public func encode(into buffer: inout [UInt8]) { Element.encode(array: self, into: &buffer) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> [Element] {
        try Element.decode(array: cell)
    }
}

extension UInt8: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .bytea }
    public static func encode(array: [UInt8], into buffer: inout [UInt8]) { buffer.append(contentsOf: array) }
    public static func decode(array cell: PostgresCell) throws(PostgresCellError) -> [UInt8] {
        guard cell.type == .bytea else { throw .mismatch }
        return [UInt8](cell.bytes)
    }
}

extension PostgresArrayElement where Self: PostgresEncodable {
    public static func encode(array: [Self], into buffer: inout [UInt8]) {
        buffer.appendBigEndian(Int32(array.isEmpty ? 0 : 1))
        buffer.appendBigEndian(Int32(array.contains(where: \.isNull) ? 1 : 0))
        buffer.appendBigEndian(postgresType.oid)
        guard !array.isEmpty else { return }
        buffer.appendBigEndian(Int32(truncatingIfNeeded: array.count))
        buffer.appendBigEndian(Int32(1))
        for element in array {
            let start = buffer.count
            buffer.appendBigEndian(Int32(-1))
            guard !element.isNull else { continue }
            element.encode(into: &buffer)
            let length = Int32(truncatingIfNeeded: buffer.count - start - 4).bigEndian
            buffer.withUnsafeMutableBytes { $0.storeBytes(of: length, toByteOffset: start, as: Int32.self) }
        }
    }
}

extension PostgresArrayElement where Self: PostgresDecodable {
    public static func decode(array cell: PostgresCell) throws(PostgresCellError) -> [Self] {
        var rest = cell.bytes[...]
        func take() throws(PostgresCellError) -> Int32 {
            guard rest.count >= 4 else { throw .malformed("a truncated array") }
            defer { rest = rest.dropFirst(4) }
            return Int32(bigEndian: UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: Int32.self))
        }
        // Three numbers begin every array, and nothing else comes near: a scalar is told apart by its length or flags.
        let dimensions = try take()
        let flags = try take()
        let element = PostgresType(oid: UInt32(bitPattern: try take()))
        guard flags == 0 || flags == 1 else { throw .mismatch }
        guard dimensions > 0 else { return [] }
        guard dimensions == 1 else { throw .malformed("an array of \(dimensions) dimensions") }
        let count = Int(try take())
        _ = try take()
        // Each element takes four bytes at least, so a wrong count can't make us reserve much.
        guard count >= 0, count <= rest.count / 4 else { throw .malformed("\(count) elements") }
        var values: [Self] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let length = Int(try take())
            if length < 0 {
                values.append(try decodeNull())
                continue
            }
            guard length <= rest.count else { throw .malformed("a truncated element") }
            let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(length))
            values.append(try decode(PostgresCell(type: element, bytes: bytes)))
            rest = rest.dropFirst(length)
        }
        return values
    }
}

extension Bool: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1000) } }
extension Int16: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1005) } }
extension Int32: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1007) } }
extension Int64: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1016) } }
extension Int: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1016) } }
extension Float: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1021) } }
extension Double: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1022) } }
extension String: PostgresArrayElement { public static var postgresArrayType: PostgresType { PostgresType(oid: 1009) } }
extension PostgresUUID: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { PostgresType(oid: 2951) }
}
extension PostgresTimestamp: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { PostgresType(oid: 1185) }
}
extension PostgresJSON: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { PostgresType(oid: 3807) }
}
extension Array: PostgresArrayElement where Element == UInt8 {
    public static var postgresArrayType: PostgresType { PostgresType(oid: 1001) }
}
extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement & PostgresEncodable & PostgresDecodable {
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}
