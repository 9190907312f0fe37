import CPostgreSQL
import Glibc
import Loop

/// A PostgreSQL of our own under a folder, on a unix socket alone. It outlives the process that started it: the next start
/// finds it running, and what a crash left behind is cleaned up.
public struct PrivateCluster: Sendable {
    public struct Configuration: Sendable {
        /// Made where it is missing; its parents must exist. The server's user must be able to pass through them.
        public var folder: String
        public var database = "slipway"
        /// Where `initdb`, `pg_ctl` and `postgres` are, instead of looking for them.
        public var binaries: String?
        /// Settings of the server, such as `("max_connections", "50")`.
        public var settings: [(name: String, value: String)] = []
        public var startTimeout = Duration.seconds(60)

        public init(folder: String) { self.folder = folder }
    }

    /// The role that owns everything.
    public static let role = "slipway"

    public let configuration: Configuration
    /// For `PostgresConfiguration`.
    public let connectionString: String
    public let majorVersion: Int
    /// False where the cluster was running already.
    public let wasStarted: Bool
    private let layout: PrivateClusterLayout
    private let binaries: PostgresBinaries
    private let user: ServerUser

    /// Makes the cluster where there is none, starts it where it does not run, and returns when it answers. Several
    /// processes may do this at once.
    /// - Throws: `PrivateClusterError`.
    public static func start(_ configuration: Configuration) async throws -> PrivateCluster {
        try await BlockingCalls.pool().run { try PrivateCluster(starting: configuration) }
    }

    /// Ends every session and stops the server; nothing that was committed is lost.
    public func stop() async throws {
        try await BlockingCalls.pool().run { try stopNow() }
    }

    /// Stops and starts the server, as an operator would.
    public func restart() async throws {
        try await BlockingCalls.pool().run {
            try stopNow()
            try launch()
            try awaitAnswer()
        }
    }

    /// The server's first process, while it runs.
    public var processID: Int32? { layout.runningServer() }

    private init(starting configuration: Configuration) throws {
        self.configuration = configuration
        binaries = try PostgresBinaries.find(in: configuration.binaries)
        user = try ServerUser.current()
        layout = try PrivateClusterLayout(folder: configuration.folder, user: user)
        majorVersion = binaries.major
        let place = "host=\(quotedSetting(layout.sockets)) user=\(PrivateCluster.role)"
        connectionString = "\(place) dbname=\(quotedSetting(configuration.database))"
        let lock = try layout.lock()
        defer { close(lock) }
        try layout.checkVersion(binaries)
        if layout.version == nil { try PrivateCluster.initialise(layout, binaries, user) }
        wasStarted = layout.runningServer() == nil
        if wasStarted {
            try layout.clearRemains(within: configuration.startTimeout)
            try launch()
        }
        try awaitAnswer()
        try createDatabase(place)
    }

    /// In a folder beside, so that a crash leaves no half-made cluster behind.
    private static func initialise(
        _ layout: PrivateClusterLayout, _ binaries: PostgresBinaries, _ user: ServerUser
    ) throws {
        _ = try ChildProcess.run("rm", ["-rf", "--", layout.unfinished])
        try user.makeFolder(layout.unfinished)
        // Everybody who can reach the socket is trusted: only the server's user and root can.
        let outcome = try user.run(
            "\(binaries.folder)/initdb",
            [
                "--pgdata=\(layout.unfinished)", "--username=\(role)", "--auth=trust", "--encoding=UTF8",
                "--locale=C.UTF-8", "--data-checksums",
            ])
        guard outcome.isSuccess else {
            throw PrivateClusterError(.failed, "initdb failed (\(outcome.status)): \(outcome.output)")
        }
        guard rename(layout.unfinished, layout.data) == 0 else {
            throw PrivateClusterError.system("rename \(layout.unfinished)", errno)
        }
    }

    private func launch() throws {
        try user.makeFolder(layout.sockets)
        var options = [
            ("listen_addresses", ""), ("unix_socket_directories", layout.sockets), ("unix_socket_permissions", "0700"),
            ("port", "\(PrivateClusterLayout.port)"), ("shared_buffers", "\(ServerMemory.sharedBuffers())MB"),
        ]
        options += configuration.settings.map { ($0.name, $0.value) }
        let words = options.map { shellQuoted("-c") + " " + shellQuoted("\($0.0)=\($0.1)") }.joined(separator: " ")
        let seconds = max(1, configuration.startTimeout.components.seconds)
        let outcome = try user.run(
            "\(binaries.folder)/pg_ctl",
            ["start", "-D", layout.data, "-l", layout.log, "-w", "-s", "-t", "\(seconds)", "-o", words])
        guard outcome.isSuccess else {
            throw PrivateClusterError(
                .failed, "PostgreSQL did not start: \(outcome.output)\n\(layout.logTail())")
        }
    }

    private func stopNow() throws {
        guard layout.runningServer() != nil else { return }
        let seconds = max(1, configuration.startTimeout.components.seconds)
        let outcome = try user.run(
            "\(binaries.folder)/pg_ctl",
            ["stop", "-D", layout.data, "-m", "fast", "-w", "-s", "-t", "\(seconds)"])
        guard outcome.isSuccess || layout.runningServer() == nil else {
            throw PrivateClusterError(.failed, "PostgreSQL did not stop: \(outcome.output)")
        }
        // Empty now, and perhaps not under our own folder; the next start makes it anew.
        rmdir(layout.sockets)
    }

    private func awaitAnswer() throws {
        let end = ContinuousClock.now + configuration.startTimeout
        let place =
            "host=\(quotedSetting(layout.sockets)) user=\(PrivateCluster.role) dbname=postgres connect_timeout=2"
        while PQping(place) != PQPING_OK {
            guard ContinuousClock.now < end else {
                throw PrivateClusterError(
                    .failed, "PostgreSQL gave no answer within \(configuration.startTimeout)\n\(layout.logTail())")
            }
            usleep(20_000)
        }
    }

    private func createDatabase(_ place: String) throws {
        let connection = PQconnectdb("\(place) dbname=postgres")
        defer { PQfinish(connection) }
        let result = PQexec(connection, "CREATE DATABASE \(quotedIdentifier(configuration.database))")
        defer { PQclear(result) }
        let code = PQresultErrorField(result, SLIPWAY_PQ_SQLSTATE).map { String(cString: $0) }
        // There already, or being made by somebody else right now.
        guard PQresultStatus(result) == PGRES_COMMAND_OK || code == "42P04" || code == "23505" else {
            let message = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
            throw PrivateClusterError(.failed, "cannot make the database: \(PostgresConnectionString.trimmed(message))")
        }
    }
}

/// A value in a connection string.
func quotedSetting(_ value: String) -> String {
    var text = "'"
    for character in value {
        if character == "'" || character == "\\" { text += "\\" }
        text.append(character)
    }
    return text + "'"
}

private func shellQuoted(_ word: String) -> String {
    "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
