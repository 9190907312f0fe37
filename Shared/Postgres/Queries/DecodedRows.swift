/// The rows of a result or of a stream, read as `Element` one at a time.
public struct DecodedRows<Element>: AsyncSequence {
    let source: PostgresRowIterator
    let decode: (PostgresRow) throws -> Element

    public struct AsyncIterator: AsyncIteratorProtocol {
        var source: PostgresRowIterator
        let decode: (PostgresRow) throws -> Element

        public mutating func next() async throws -> Element? { try await source.next().map(decode) }
        public mutating func next(isolation: isolated (any Actor)?) async throws -> Element? {
            try await source.next().map(decode)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source, decode: decode) }
}

/// What can be read row by row: a whole result, or a stream.
public protocol PostgresRowSource {
    var rowIterator: PostgresRowIterator { get }
}

/// Where decoded rows come from.
public struct PostgresRowIterator {
    enum Source {
        /// Never waits.
        case rows(PostgresRows.Iterator)
        case stream(PostgresRowStream.AsyncIterator)
    }
    var source: Source

    mutating func next() async throws -> PostgresRow? {
        switch source {
        case .rows(var rows):
            defer { source = .rows(rows) }
            return rows.next()
        case .stream(var stream):
            defer { source = .stream(stream) }
            return try await stream.next()
        }
    }
}

extension PostgresRowSource {
    /// `for try await (id, name) in rows.decode((Int64, String).self)`
    public func decode<each Column: PostgresDecodable>(
        _ columns: (repeat each Column).Type, file: StaticString = #fileID, line: UInt = #line
    ) -> DecodedRows<(repeat each Column)> {
        DecodedRows(source: rowIterator) { try $0.decode(columns, file: file, line: line) }
    }

    public func decode<Column: PostgresDecodable>(
        _ column: Column.Type, file: StaticString = #fileID, line: UInt = #line
    ) -> DecodedRows<Column> {
        DecodedRows(source: rowIterator) { try $0.decode(column, file: file, line: line) }
    }

    public func decode<Record: PostgresRowDecodable>(_: Record.Type) -> DecodedRows<Record> {
        DecodedRows(source: rowIterator) { try Record(row: $0) }
    }
}

extension PostgresRows: PostgresRowSource {
    public var rowIterator: PostgresRowIterator { PostgresRowIterator(source: .rows(makeIterator())) }

    /// All rows at once.
    public func all<each Column: PostgresDecodable>(
        _ columns: (repeat each Column).Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [(repeat each Column)] {
        try map { try $0.decode(columns, file: file, line: line) }
    }

    public func all<Column: PostgresDecodable>(
        _ column: Column.Type, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Column] {
        guard let first else { return [] }
        try first.expect(1, file: file, line: line)
        var values: [Column] = []
        values.reserveCapacity(result.rowCount)
        for row in 0..<result.rowCount {
            values.append(try result.decode(column, row: row, column: 0, file: file, line: line))
        }
        return values
    }

    public func all<Record: PostgresRowDecodable>(_: Record.Type) throws -> [Record] {
        try map { try Record(row: $0) }
    }
}
