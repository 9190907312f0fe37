/// The rows of a result or of a stream, read as `Element` one at a time.
public struct DecodedRows<Source: AsyncSequence, Element>: AsyncSequence where Source.Element == PostgresRow {
    let source: Source
    let decode: (PostgresRow) throws -> Element

    public struct AsyncIterator: AsyncIteratorProtocol {
        var source: Source.AsyncIterator
        let decode: (PostgresRow) throws -> Element

        public mutating func next() async throws -> Element? { try await source.next().map(decode) }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: source.makeAsyncIterator(), decode: decode)
    }
}

/// What can be read row by row: a whole result, or a stream.
public protocol PostgresRowSource {
    associatedtype Rows: AsyncSequence where Rows.Element == PostgresRow
    var rowSequence: Rows { get }
}

extension PostgresRowSource {
    /// `for try await (id, name) in rows.decode((Int64, String).self)`
    public func decode<each Column: PostgresDecodable>(
        _ columns: (repeat each Column).Type, file: StaticString = #fileID, line: UInt = #line
    ) -> DecodedRows<Rows, (repeat each Column)> {
        DecodedRows(source: rowSequence) { try $0.decode(columns, file: file, line: line) }
    }

    public func decode<Column: PostgresDecodable>(
        _ column: Column.Type, file: StaticString = #fileID, line: UInt = #line
    ) -> DecodedRows<Rows, Column> {
        DecodedRows(source: rowSequence) { try $0.decode(column, file: file, line: line) }
    }

    public func decode<Record: PostgresRowDecodable>(_: Record.Type) -> DecodedRows<Rows, Record> {
        DecodedRows(source: rowSequence) { try Record(row: $0) }
    }
}

/// The rows of a whole result as an asynchronous sequence that never waits.
public struct BufferedRows: AsyncSequence {
    let rows: PostgresRows

    public struct AsyncIterator: AsyncIteratorProtocol {
        var rows: PostgresRows.Iterator
        public mutating func next() async -> PostgresRow? { rows.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rows: rows.makeIterator()) }
}

extension PostgresRows: PostgresRowSource {
    public var rowSequence: BufferedRows { BufferedRows(rows: self) }

    /// All rows at once.
    public func all<each Column: PostgresDecodable>(
        _ columns: (repeat each Column).Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [(repeat each Column)] {
        try map { try $0.decode(columns, file: file, line: line) }
    }

    public func all<Column: PostgresDecodable>(
        _ column: Column.Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Column] {
        try map { try $0.decode(column, file: file, line: line) }
    }

    public func all<Record: PostgresRowDecodable>(_: Record.Type) throws -> [Record] {
        try map { try Record(row: $0) }
    }
}
