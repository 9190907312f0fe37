/// Types whose arrays can be sent, for bulk inserts.
public typealias PostgresBulkColumn = PostgresArrayElement & PostgresEncodable

extension PostgresTransaction {
    /// Inserts many rows with few statements: each column goes as one array. `table` may name a schema (`a.b`). `suffix`
    /// ends each statement, such as `ON CONFLICT DO NOTHING`; `values` gives the columns of a row.
    /// - Returns: how many rows were inserted.
    @discardableResult
    public func insert<Row, each Column: PostgresBulkColumn>(
        into table: String, columns: [String], rows: some Sequence<Row>, suffix: PostgresQuery = "",
        _ values: (Row) -> (repeat each Column)
    ) async throws -> Int {
        var inserted = 0
        var batch = BulkBatch()
        for row in rows {
            batch.append(repeat each values(row))
            guard batch.count >= 5000 else { continue }
            inserted += try await execute(batch.statement(table, columns, suffix))
            batch = BulkBatch()
        }
        guard batch.count > 0 else { return inserted }
        return inserted + (try await execute(batch.statement(table, columns, suffix)))
    }
}

extension PostgresPool {
    /// Inserts many rows in one transaction; see `PostgresTransaction.insert`.
    @discardableResult
    public func insert<Row, each Column: PostgresBulkColumn>(
        into table: String, columns: [String], rows: some Sequence<Row>, suffix: PostgresQuery = "",
        _ values: (Row) -> (repeat each Column)
    ) async throws -> Int {
        try await transaction { try await $0.insert(into: table, columns: columns, rows: rows, suffix: suffix, values) }
    }
}

/// Rows turned into columns. It does not keep the pack of their types: the compiler can't store one here.
private struct BulkBatch {
    private var columns: [any BulkColumn] = []
    private(set) var count = 0

    mutating func append<each Column: PostgresBulkColumn>(_ row: repeat each Column) {
        if columns.isEmpty { repeat columns.append(BulkValues<each Column>()) }
        var index = 0
        repeat append(each row, &index)
        count += 1
    }

    private func append<Value: PostgresBulkColumn>(_ value: Value, _ index: inout Int) {
        (columns[index] as? BulkValues<Value>)?.values.append(value)
        index += 1
    }

    func statement(_ table: String, _ names: [String], _ suffix: PostgresQuery) -> PostgresQuery {
        let place = table.split(separator: ".").map { quotedIdentifier(String($0)) }.joined(separator: ".")
        let list = names.map(quotedIdentifier).joined(separator: ", ")
        var arrays = PostgresQuery.StringInterpolation(literalCapacity: 0, interpolationCount: columns.count)
        for column in columns { column.append(to: &arrays) }
        let values = PostgresQuery(stringInterpolation: arrays)
        return "INSERT INTO \(unsafe: place) (\(unsafe: list)) SELECT * FROM unnest(\(values)) \(suffix)"
    }
}

private protocol BulkColumn: AnyObject {
    func append(to arrays: inout PostgresQuery.StringInterpolation)
}

private final class BulkValues<Value: PostgresBulkColumn>: BulkColumn {
    var values: [Value] = []

    func append(to arrays: inout PostgresQuery.StringInterpolation) {
        if arrays.binds.count > 0 { arrays.appendLiteral(", ") }
        arrays.appendInterpolation(BulkArray(values: values))
    }
}

/// An array of values, also of those for which Swift's own array would mean something else.
private struct BulkArray<Element: PostgresBulkColumn>: PostgresEncodable {
    let values: [Element]
    static var postgresType: PostgresType { Element.postgresArrayType }
    func encode(into buffer: inout [UInt8]) { Element.encode(array: values, into: &buffer) }
}
