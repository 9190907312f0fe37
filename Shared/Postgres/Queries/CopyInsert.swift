extension PostgresTransaction {
    /// Inserts rows by COPY in binary form: the fastest way for many. Values are sent as their own types, which must be
    /// the columns'; that is looked at before the first row is taken. `table` may name a schema (`a.b`). Needs the right to
    /// read the columns too.
    ///
    /// Rows are taken as fast as the server takes them: those of one batch of about a megabyte wait at most, and each batch
    /// is a statement of its own, also for triggers. Cancelling the task cancels the COPY; the transaction can't go on.
    /// - Returns: how many rows were inserted.
    /// - Throws: `PostgresError`, whose `row` and `column` say where it was, as far as the server tells; what `rows` throws.
    @discardableResult
    public func copy<Rows: AsyncSequence, each Column: PostgresEncodable>(
        into table: String, columns: [String], rows: Rows, timeout: Duration? = nil,
        _ values: (Rows.Element) -> (repeat each Column)
    ) async throws -> Int {
        var types: [PostgresType] = []
        repeat types.append((each Column).postgresType)
        let target = CopyTarget(table: table, columns: columns)
        try await target.check(types, in: self)
        var batch = CopyBatch()
        var done = 0
        for try await row in rows {
            batch.append(repeat each values(row))
            guard batch.isFull else { continue }
            let count = batch.count
            try await send(batch.take(), target, after: done, timeout)
            done += count
        }
        if batch.count > 0 {
            let count = batch.count
            try await send(batch.take(), target, after: done, timeout)
            done += count
        }
        return done
    }

    /// As the other one, for rows that are there already.
    @discardableResult
    public func copy<Rows: Sequence, each Column: PostgresEncodable>(
        into table: String, columns: [String], rows: Rows, timeout: Duration? = nil,
        _ values: (Rows.Element) -> (repeat each Column)
    ) async throws -> Int {
        try await copy(into: table, columns: columns, rows: PresentRows(rows: rows), timeout: timeout, values)
    }

    private func send(_ bytes: [UInt8], _ target: CopyTarget, after done: Int, _ timeout: Duration?) async throws {
        do {
            _ = try await run(target.statement, .copy(bytes), timeout)
        } catch let error as PostgresError {
            throw target.located(error, after: done)
        }
    }
}

extension PostgresPool {
    /// Inserts rows in one transaction; see `PostgresTransaction.copy`. Rows that come only once can't be sent again: this
    /// is not tried again where the connection breaks.
    @discardableResult
    public func copy<Rows: AsyncSequence, each Column: PostgresEncodable>(
        into table: String, columns: [String], rows: Rows, timeout: Duration? = nil,
        _ values: (Rows.Element) -> (repeat each Column)
    ) async throws -> Int {
        var options = PostgresTransactionOptions()
        options.attemptsMax = 1
        return try await transaction(options) {
            try await $0.copy(into: table, columns: columns, rows: rows, timeout: timeout, values)
        }
    }

    /// Inserts rows in one transaction; see `PostgresTransaction.copy`.
    @discardableResult
    public func copy<Rows: Collection, each Column: PostgresEncodable>(
        into table: String, columns: [String], rows: Rows, timeout: Duration? = nil,
        _ values: (Rows.Element) -> (repeat each Column)
    ) async throws -> Int {
        try await transaction {
            try await $0.copy(into: table, columns: columns, rows: rows, timeout: timeout, values)
        }
    }
}

/// A sequence that never waits.
private struct PresentRows<Rows: Sequence>: AsyncSequence {
    let rows: Rows

    struct AsyncIterator: AsyncIteratorProtocol {
        var rows: Rows.Iterator

        mutating func next() async throws -> Rows.Element? { rows.next() }
        mutating func next(isolation: isolated (any Actor)?) async throws -> Rows.Element? { rows.next() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rows: rows.makeIterator()) }
}
