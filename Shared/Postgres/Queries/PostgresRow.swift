/// One row. Holds on to the result it came with, which is its batch where it was streamed.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int

    public var columnCount: Int { result.columnCount }
    public var columnNames: [String] { (0..<result.columnCount).map(result.name) }

    /// The columns in their order, as many as there are.
    /// - Throws: `PostgresDecodeError`, or `PostgresColumnError` where there are more or fewer.
    @inlinable
    public func decode<each Column: PostgresDecodable>(
        _: (repeat each Column).Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> (repeat each Column) {
        var count = 0
        for _ in repeat (each Column).self { count += 1 }
        try expect(count, file: file, line: line)
        var next = 0
        return (repeat try take((each Column).self, &next, file: file, line: line))
    }

    /// The only column.
    public func decode<Column: PostgresDecodable>(
        _: Column.Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Column {
        try expect(1, file: file, line: line)
        return try result.decode(Column.self, row: index, column: 0, file: file, line: line)
    }

    /// The column of that name.
    /// - Throws: `PostgresDecodeError`, or `PostgresColumnError` where there is none.
    public func decode<Column: PostgresDecodable>(
        _ name: String, as: Column.Type = Column.self, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Column {
        guard let column = result.column(named: name) else {
            throw PostgresColumnError(
                message: "there is no column \"\(name)\"", columns: columnNames, file: file, line: line)
        }
        return try result.decode(Column.self, row: index, column: column, file: file, line: line)
    }

    @usableFromInline
    func expect(_ count: Int, file: StaticString, line: UInt) throws {
        guard count == result.columnCount else {
            throw PostgresColumnError(
                message: "\(count) columns are asked for, \(result.columnCount) came", columns: columnNames,
                file: file, line: line)
        }
    }

    @usableFromInline
    func take<Column: PostgresDecodable>(
        _: Column.Type, _ next: inout Int, file: StaticString, line: UInt
    ) throws -> Column {
        defer { next += 1 }
        return try result.decode(Column.self, row: index, column: next, file: file, line: line)
    }
}

/// A structure that is read from a row by the names of its columns.
public protocol PostgresRowDecodable {
    init(row: PostgresRow) throws
}

/// Everything that a statement returned.
public struct PostgresRows: Sendable, RandomAccessCollection {
    let result: PostgresResult

    public var startIndex: Int { 0 }
    public var endIndex: Int { result.rowCount }
    public subscript(index: Int) -> PostgresRow {
        precondition(index >= 0 && index < result.rowCount, "row \(index) of \(result.rowCount)")
        return PostgresRow(result: result, index: index)
    }

    /// How many rows an INSERT, UPDATE or DELETE touched.
    public var affectedRows: Int { result.affectedRows }
    /// What the server says it did, such as "INSERT 0 1".
    public var commandTag: String { result.tag }
}
