import CPostgreSQL

/// Owns one result of libpq, which does not change any more.
final class PostgresResult: @unchecked Sendable {
    let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit { PQclear(pointer) }

    func name(_ column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "" }
    func type(_ column: Int) -> PostgresType { PostgresType(oid: PQftype(pointer, Int32(column))) }

    func column(named name: String) -> Int? { (0..<columnCount).first { self.name($0) == name } }

    /// What the server says it did, such as "INSERT 0 1".
    var tag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }
    var affectedRows: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    @inline(__always)
    func decode<Value: PostgresDecodable>(
        _: Value.Type, row: Int, column: Int, file: StaticString, line: UInt
    ) throws -> Value {
        let row = Int32(truncatingIfNeeded: row)
        let index = Int32(truncatingIfNeeded: column)
        do {
            guard let start = PQgetvalue(pointer, row, index), PQgetisnull(pointer, row, index) == 0 else {
                return try Value.decodeNull()
            }
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(pointer, row, index)))
            return try Value.decode(PostgresCell(type: PostgresType(oid: PQftype(pointer, index)), bytes: bytes))
        } catch {
            throw PostgresDecodeError(
                column: name(column), index: column, columnType: self.type(column), wantedType: "\(Value.self)",
                reason: error, file: file, line: line)
        }
    }
}

/// A column that could not be read as the type that the program asked for.
public struct PostgresDecodeError: Error, CustomStringConvertible {
    public let column: String
    public let index: Int
    public let columnType: PostgresType
    public let wantedType: String
    public let reason: PostgresCellError
    public let file: StaticString
    public let line: UInt

    public var description: String {
        let why =
            switch reason {
            case .null: "it is null"
            case .mismatch: "the types do not go together"
            case .outOfRange: "the value is out of range"
            case .malformed(let text): text
            }
        return "column \"\(column)\" (\(index)) of type \(columnType) can't be read as \(wantedType): \(why)"
            + " (\(file):\(line))"
    }
}

/// The program asked for columns that the result does not have.
public struct PostgresColumnError: Error, CustomStringConvertible {
    public let message: String
    public let columns: [String]
    public let file: StaticString
    public let line: UInt

    public var description: String { "\(message); there are \(columns) (\(file):\(line))" }
}
