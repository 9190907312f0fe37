/// A value that can be bound to a statement, in the server's binary format.
public protocol PostgresEncodable: Sendable {
    /// What the server is told that this is. It casts where the place asks for another type and an implicit cast or, in
    /// an assignment, an assignment cast exists.
    static var postgresType: PostgresType { get }
    var isNull: Bool { get }
    /// Appends the value's bytes. Not called for null.
    func encode(into buffer: inout [UInt8])
}

extension PostgresEncodable {
    public var isNull: Bool { false }
}

/// A value that can be read from a column, in the server's binary format.
public protocol PostgresDecodable {
    /// - Throws: `PostgresCellError`, to which the caller adds the column and the place in the source.
    static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Self
    /// What null stands for; refused where nothing else is said.
    static func decodeNull() throws(PostgresCellError) -> Self
}

extension PostgresDecodable {
    public static func decodeNull() throws(PostgresCellError) -> Self { throw .null }
}

public typealias PostgresCodable = PostgresEncodable & PostgresDecodable

/// One column of one row. The bytes are valid during decoding only.
public struct PostgresCell {
    public let type: PostgresType
    public let bytes: UnsafeRawBufferPointer

    /// A big-endian integer of exactly the cell's size.
    @inline(__always)
    func integer<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresCellError) -> Value {
        guard bytes.count == MemoryLayout<Value>.size else { throw .malformed("\(bytes.count) bytes") }
        return Value(bigEndian: bytes.loadUnaligned(as: Value.self))
    }
}

/// Why a cell could not be read as a type.
public enum PostgresCellError: Error, Equatable {
    case null
    case mismatch
    case outOfRange
    case malformed(String)
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var isNull: Bool { self?.isNull ?? true }
    public func encode(into buffer: inout [UInt8]) { self?.encode(into: &buffer) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Wrapped? { try Wrapped.decode(cell) }
    public static func decodeNull() -> Wrapped? { nil }
}

/// An enumeration with a raw value needs only to declare that it conforms.
extension RawRepresentable where Self: PostgresEncodable, RawValue: PostgresEncodable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public func encode(into buffer: inout [UInt8]) { rawValue.encode(into: &buffer) }
}

extension RawRepresentable where Self: PostgresDecodable, RawValue: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> Self {
        let raw = try RawValue.decode(cell)
        guard let value = Self(rawValue: raw) else { throw .malformed("no case for \"\(raw)\"") }
        return value
    }
}

extension Array where Element == UInt8 {
    @inline(__always)
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
