import ConnectionPool
import Loop
import Synchronization

/// A database, through connections that each loop keeps of its own. Any task may use it from any thread; on a loop there
/// is neither hop nor lock. Nothing connects before it is used, or `run` keeps the minimum.
public final class PostgresPool: Sendable {
    public let configuration: PostgresConfiguration
    let loops: [EventLoop]
    let pool: ConnectionPool<PostgresConnector>
    let readers: [SharedReaders]
    private let turn = Atomic<Int>(0)

    public init(_ configuration: PostgresConfiguration, loops: [EventLoop]) {
        self.configuration = configuration
        self.loops = loops
        pool = ConnectionPool(
            connector: PostgresConnector(configuration: configuration), limits: configuration.pool, loops: loops)
        readers = loops.map { SharedReaders(configuration, $0) }
    }

    /// Keeps the minimum of connections open until the task is cancelled, then closes.
    public func run() async {
        await pool.run()
        await closeReaders()
    }

    /// Refuses whoever waits or comes, and returns when everything that is lent came back. The loops must still run.
    public func close() async {
        await pool.close()
        await closeReaders()
    }

    private func closeReaders() async {
        for reader in readers { reader.loop.run { reader.close() } }
    }

    public func counts() async throws -> PoolCounts { try await pool.counts() }

    /// Lends a connection for as long as `body` runs. A transaction that `body` leaves open ends with the connection.
    /// - Throws: `PostgresError` where there is none to be had, and what `body` throws.
    public func withConnection<Result>(
        timeout: Duration? = nil, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let lease: PoolLease<PostgresConnector>
        do {
            lease = try await pool.lease(timeout: timeout)
        } catch let error as PoolError {
            throw PostgresError(error)
        }
        defer { lease.release() }
        return try await body(lease.connection)
    }

    /// A connection of the caller's own, beside the pool's and its limits: for what lasts as long as a session, such as an
    /// advisory lock. To be closed by the caller.
    /// - Throws: `PostgresError` of kind `connection` or `usage`.
    public func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(configuration, on: nextReaders().loop)
    }

    /// Runs one statement in its own transaction. Where the connection breaks and the statement certainly did not run, it
    /// is sent again; where nobody can know, the error is of kind `outcomeUnknown`.
    public func query(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> PostgresRows {
        var deadline = Deadline(timeout ?? configuration.queryTimeout)
        while true {
            do {
                let left = deadline.ofAttempt
                return try await withConnection(timeout: left) {
                    try await $0.run(query, effect: .write, timeout: left)
                }
            } catch let error as PostgresError where error.kind == .connection {
                try await deadline.pauseBeforeRetry(after: error, on: loops)
            }
        }
    }

    /// Runs one statement and returns how many rows it touched. As `query`.
    @discardableResult
    public func execute(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> Int {
        try await self.query(query, timeout: timeout).affectedRows
    }

    /// Reads on a connection that it shares with other reads, in one pipeline: the fastest way, for quick statements.
    /// The session refuses to write. Sent again when the connection breaks.
    public func read(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> PostgresRows {
        var deadline = Deadline(timeout ?? configuration.queryTimeout)
        while true {
            do {
                return try await nextReaders().read(query, timeout: deadline.ofAttempt)
            } catch let error as PostgresError where error.kind == .connection {
                try await deadline.pauseBeforeRetry(after: error, on: loops)
            }
        }
    }

    /// Reads several things at once, in one round trip where they meet on a connection.
    public func read(_ queries: [PostgresQuery], timeout: Duration? = nil) async throws -> [PostgresRows] {
        var deadline = Deadline(timeout ?? configuration.queryTimeout)
        while true {
            do {
                return try await withConnection(timeout: deadline.left) { connection in
                    try await connection.pipeline(queries, effect: .read, timeout: deadline.left).map { try $0.get() }
                }
            } catch let error as PostgresError where error.kind == .connection {
                try await deadline.pauseBeforeRetry(after: error, on: loops)
            }
        }
    }

    /// Hands the rows to `body` while they come; see `PostgresConnection.stream`.
    public func stream<Result>(
        _ query: PostgresQuery, timeout: Duration? = nil, _ body: (PostgresRowStream) async throws -> Result
    ) async throws -> Result {
        try await withConnection { try await $0.stream(query, timeout: timeout, body) }
    }

    func nextReaders() -> SharedReaders {
        if let current = EventLoop.current, let found = readers.first(where: { $0.loop === current }) { return found }
        return readers[(turn.add(1, ordering: .relaxed).oldValue & Int.max) % readers.count]
    }
}
