import Loop

extension PostgresPool {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// Where the server reports a serialisation failure or a deadlock, or the connection breaks before the COMMIT, the
    /// transaction is rolled back and `body` runs again: it must do nothing outside of the transaction that may not be
    /// done twice.
    /// - Throws: what `body` throws; `PostgresError`, of kind `outcomeUnknown` where the COMMIT was sent and its answer
    ///   never came.
    @discardableResult
    public func transaction<Result>(
        isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, deferrable: Bool = false,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        var options = PostgresTransactionOptions()
        options.isolation = isolation
        options.isReadOnly = readOnly
        options.isDeferrable = deferrable
        return try await transaction(options, body)
    }

    @discardableResult
    public func transaction<Result>(
        _ options: PostgresTransactionOptions, _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await withConnection { connection in
                    try await runOnce(connection, options, body)
                }
            } catch let retry as TransactionRetry {
                guard attempt < options.attemptsMax, !Task.isCancelled else { throw retry.error }
                let limit = Duration.milliseconds(5) * (1 << min(attempt, 7))
                try await pause(limit * Double.random(in: 0.2...1))
            }
        }
    }

    private func runOnce<Result>(
        _ connection: PostgresConnection, _ options: PostgresTransactionOptions,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        let transaction = PostgresTransaction(connection, options)
        let result: Result
        do {
            result = try await body(transaction)
            // Cancelled before the COMMIT: nobody waits for what it would confirm.
            try Task.checkCancellation()
        } catch {
            transaction.end()
            if transaction.hasBegun { await rollBack(connection) }
            throw transaction.wantsRetry ? TransactionRetry(error: error) : error
        }
        transaction.end()
        guard transaction.hasBegun else { return result }
        do {
            let answer = try await connection.run("COMMIT", effect: .commit, timeout: nil, form: .unprepared)
            // The server answers the COMMIT of a failed transaction with a rollback.
            guard answer.commandTag == "COMMIT" else {
                throw PostgresError(
                    .server, code: .inFailedTransaction,
                    "the transaction was rolled back: a statement in it had failed, and its error was not passed on")
            }
            return result
        } catch let error as PostgresError where error.isRetryable {
            await rollBack(connection)
            throw TransactionRetry(error: error)
        } catch {
            throw transaction.wantsRetry ? TransactionRetry(error: error) : error
        }
    }

    /// Runs to its end for cancelled tasks too; a connection that can't even roll back is not used again.
    private func rollBack(_ connection: PostgresConnection) async {
        do {
            try await shielded {
                _ = try await connection.run(
                    "ROLLBACK", effect: .transactional, timeout: .seconds(5), form: .unprepared)
            }
        } catch {
            connection.close()
        }
    }

    private func pause(_ duration: Duration) async throws {
        guard let loop = EventLoop.current ?? loops.first else { return }
        try await loop.sleep(for: duration)
    }
}

/// The attempt failed in a way that another may not.
private struct TransactionRetry: Error {
    let error: any Error
}
