import Loop

/// How much of what others do at the same time a transaction sees.
public enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

public struct PostgresTransactionOptions: Sendable {
    public var isolation = PostgresIsolation.readCommitted
    public var isReadOnly = false
    /// Waits until it can't fail; serializable and read-only only.
    public var isDeferrable = false
    /// For this transaction, instead of the session's.
    public var lockTimeout: Duration?
    public var statementTimeout: Duration?
    /// How often the closure runs at most, where the server asks for another try.
    public var attemptsMax = 10

    public init() {}

    var begin: String {
        "BEGIN ISOLATION LEVEL \(isolation.rawValue)" + (isReadOnly ? " READ ONLY" : "")
            + (isDeferrable ? " DEFERRABLE" : "")
    }

    /// Settings that end with the transaction.
    var settings: [PostgresQuery] {
        [("lock_timeout", lockTimeout), ("statement_timeout", statementTimeout)].compactMap { name, duration in
            duration.map { PostgresQuery(unsafe: "SET LOCAL \(name) = \(max(1, $0.wholeMilliseconds))") }
        }
    }
}

/// A transaction under way. It begins with its first statement, in the same round trip, and must not be used after its
/// closure.
public final class PostgresTransaction: Sendable {
    private struct State {
        var hasBegun = false
        var isOver = false
        var savepoints = 0
        var wantsRetry = false
    }
    public let connection: PostgresConnection
    let options: PostgresTransactionOptions
    private let state = Lock(State())

    init(_ connection: PostgresConnection, _ options: PostgresTransactionOptions) {
        self.connection = connection
        self.options = options
    }

    public func query(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> PostgresRows {
        try await run(query, .prepared, timeout)
    }

    @discardableResult
    public func execute(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> Int {
        try await self.query(query, timeout: timeout).affectedRows
    }

    /// Several statements in one round trip, in their order; the first that fails fails the transaction.
    public func pipeline(_ queries: [PostgresQuery], timeout: Duration? = nil) async throws -> [PostgresRows] {
        let preamble = try await begin()
        let outcomes = await connection.pipeline(queries, effect: .transactional, timeout: timeout, preamble: preamble)
        return try outcomes.map { outcome in try noting { try outcome.get() } }
    }

    /// Hands the rows to `body` while they come. Nothing else runs in the transaction meanwhile.
    public func stream<Result>(
        _ query: PostgresQuery, timeout: Duration? = nil, _ body: (PostgresRowStream) async throws -> Result
    ) async throws -> Result {
        try await ensureBegun()
        do {
            return try await connection.stream(query, effect: .transactional, timeout: timeout, body)
        } catch {
            note(error)
            throw error
        }
    }

    /// Undoes what `body` did, and only that, when it throws.
    @discardableResult
    public func savepoint<Result>(_ body: (PostgresTransaction) async throws -> Result) async throws -> Result {
        let name = state.withLock {
            $0.savepoints += 1
            return "slipway_\($0.savepoints)"
        }
        _ = try await run(PostgresQuery(unsafe: "SAVEPOINT \(name)"), .unprepared, nil)
        do {
            let result = try await body(self)
            _ = try await run(PostgresQuery(unsafe: "RELEASE SAVEPOINT \(name)"), .unprepared, nil)
            return result
        } catch {
            if wantsRetry { throw error }
            // Also for a cancelled task: the transaction may go on without this part.
            try await shielded { [self] in
                _ = try await run(
                    PostgresQuery(unsafe: "ROLLBACK TO SAVEPOINT \(name); RELEASE SAVEPOINT \(name)"), .script, nil)
            }
            throw error
        }
    }

    /// A failure came after which the whole transaction can be run again.
    var wantsRetry: Bool { state.withLock { $0.wantsRetry } }
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    func end() { state.withLock { $0.isOver = true } }

    func run(
        _ query: PostgresQuery, _ form: Operation.Form, _ timeout: Duration?
    ) async throws -> PostgresRows {
        switch form {
        case .script, .copy: try await ensureBegun()
        case .prepared, .unprepared, .stream: break
        }
        let preamble = try await begin()
        do {
            return try await connection.run(
                query, effect: .transactional, timeout: timeout, form: form, preamble: preamble)
        } catch {
            note(error)
            throw error
        }
    }

    /// What has to go before the next statement: `BEGIN` before the first.
    private func begin() async throws -> String? {
        let isFirst = try state.withLock { state in
            guard !state.isOver else { throw PostgresError(.usage, "the transaction is over") }
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        guard isFirst else { return nil }
        guard let first = options.settings.first else { return options.begin }
        _ = try await connection.run(
            first, effect: .transactional, timeout: nil, form: .unprepared, preamble: options.begin)
        for setting in options.settings.dropFirst() {
            _ = try await connection.run(setting, effect: .transactional, timeout: nil, form: .unprepared)
        }
        return nil
    }

    private func ensureBegun() async throws {
        guard let begin = try await begin() else { return }
        _ = try await connection.run(
            PostgresQuery(unsafe: begin), effect: .transactional, timeout: nil, form: .unprepared)
    }

    private func noting<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            note(error)
            throw error
        }
    }

    private func note(_ error: any Error) {
        guard let error = error as? PostgresError, error.isRetryable else { return }
        state.withLock { $0.wantsRetry = true }
    }
}

/// Runs `body` to its end even where the task is cancelled.
func shielded(_ body: @escaping @Sendable () async throws -> Void) async throws {
    try await Task { try await body() }.value
}
