import ConnectionPool
import Loop

/// How connections are made and what they keep to.
public struct PostgresConfiguration: Sendable {
    /// As libpq takes it: `host=/run/postgresql dbname=slipway` or `postgresql://user@host/db?sslmode=verify-full`. TLS is
    /// set here: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`. Several hosts are tried in their order.
    public var connection: String
    public var applicationName = "slipway"
    public var connectTimeout = Duration.seconds(5)
    /// How long a statement may take, where the call says nothing else. Then it is cancelled on the server.
    public var queryTimeout = Duration.seconds(30)
    /// How long a cancelled statement may take to end; then the connection is given up.
    public var cancelGrace = Duration.seconds(1)
    /// The server's own limits, set for the session: they hold even when this process hangs.
    public var statementTimeout: Duration?
    public var lockTimeout: Duration?
    public var idleInTransactionTimeout: Duration? = .seconds(60)
    /// Statements that a connection keeps prepared; the least recently used goes. Zero prepares none.
    public var preparedStatementsMax = 256
    /// How many statements of one connection may be on their way at once.
    public var pipelineDepthMax = 128
    /// The session refuses to write.
    public var isReadOnly = false

    /// For each loop.
    public var pool = PoolLimits()
    /// Connections of each loop that independent reads share.
    public var sharedReadersMax = 2

    public init(connection: String) { self.connection = connection }

    /// The settings that go with the start of the session.
    var sessionOptions: String {
        var options: [String] = []
        func set(_ name: String, _ duration: Duration?) {
            if let duration { options.append("-c \(name)=\(max(1, duration.wholeMilliseconds))") }
        }
        set("statement_timeout", statementTimeout)
        set("lock_timeout", lockTimeout)
        set("idle_in_transaction_session_timeout", idleInTransactionTimeout)
        // Compiling a statement takes longer than any of ours should, and where the planner overrates one it is done anyway.
        options.append("-c jit=off")
        if isReadOnly { options.append("-c default_transaction_read_only=on") }
        return options.joined(separator: " ")
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}

extension PostgresConfiguration: CustomStringConvertible, CustomReflectable {
    /// The connection string may hold a password.
    public var description: String { "PostgresConfiguration(connection: ****, application: \(applicationName))" }
    public var customMirror: Mirror { Mirror(reflecting: description) }
}
