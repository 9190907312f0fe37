import Loop

/// The steps that make up one service's schema.
///
/// They come from a folder of `.sql` files at run time, or are compiled in as a list of names and texts; both are the same
/// from there on. Applying takes an advisory lock, so any number of instances may start at once.
public struct PostgresMigrations: Sendable {
    public let schema: String
    public let migrations: [PostgresMigration]

    /// - Throws: `PostgresMigrationError` where two have the same number.
    public init(schema: String, _ migrations: [PostgresMigration]) throws {
        self.schema = schema
        self.migrations = migrations.sorted { $0.number < $1.number }
        for (one, next) in zip(self.migrations, self.migrations.dropFirst()) where one.number == next.number {
            throw PostgresMigrationError(.malformed, "\(one.name) and \(next.name) have the same number")
        }
    }

    /// The files of a folder.
    public init(schema: String, folder: String) throws {
        try self.init(schema: schema, PostgresMigration.load(folder: folder))
    }

    /// Steps that are compiled in.
    public init(schema: String, _ literals: [(name: String, sql: String)]) throws {
        try self.init(schema: schema, literals.map { try PostgresMigration(name: $0.name, sql: $0.sql) })
    }

    /// What `apply` would do, without doing it.
    /// - Throws: `PostgresMigrationError` where it would refuse.
    public func plan(
        _ configuration: PostgresConfiguration, on loop: EventLoop
    ) async throws -> PostgresMigrationPlan {
        let connection = try await PostgresConnection.connect(configuration, on: loop)
        defer { connection.close() }
        return try await plan(connection)
    }

    /// Applies what is missing, each step in a transaction of its own unless it is marked otherwise, and returns what
    /// was applied.
    /// - Parameter timeout: for each statement.
    /// - Throws: `PostgresMigrationError` where the database is newer than this program or differs from it; what is
    ///   applied already stays then.
    @discardableResult
    public func apply(
        _ configuration: PostgresConfiguration, on loop: EventLoop, timeout: Duration = .seconds(3600)
    ) async throws -> PostgresMigrationPlan {
        var configuration = configuration
        configuration.statementTimeout = nil
        // A step that waits for a lock makes everybody behind it wait: better to step back and try again.
        configuration.lockTimeout = configuration.lockTimeout ?? .seconds(5)
        let connection = try await PostgresConnection.connect(configuration, on: loop)
        // The lock ends with the session, however that ends.
        defer { connection.close() }
        try await lock(connection, loop, timeout)
        try await prepare(connection)
        let plan = try await plan(connection)
        for migration in plan.pending { try await apply(migration, connection, loop, timeout) }
        return plan
    }

    /// Asks again and again instead of waiting in the server: a waiting statement holds a snapshot, for which a
    /// concurrent index build of the lock's owner would wait for ever.
    private func lock(_ connection: PostgresConnection, _ loop: EventLoop, _ timeout: Duration) async throws {
        let end = ContinuousClock.now + timeout
        let name = "slipway migrations of \(schema)"
        while true {
            let rows = try await connection.query("SELECT pg_try_advisory_lock(hashtextextended(\(name), 0))")
            if try rows.all(Bool.self) == [true] { return }
            guard ContinuousClock.now < end else {
                throw PostgresError(.deadlineExceeded, "another instance still migrates \(schema) after \(timeout)")
            }
            try await loop.sleep(for: .milliseconds(Int.random(in: 20...60)))
        }
    }

    private func prepare(_ connection: PostgresConnection) async throws {
        let name = quotedIdentifier(schema)
        try await connection.script(
            """
            SET client_min_messages = warning;
            CREATE SCHEMA IF NOT EXISTS \(name);
            SET search_path = \(name), public;
            CREATE TABLE IF NOT EXISTS \(name).schema_migrations (
                number int PRIMARY KEY,
                name text NOT NULL,
                checksum text NOT NULL,
                compatible_from int NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                applied_by text NOT NULL DEFAULT current_setting('application_name'));
            """)
    }

    private func plan(_ connection: PostgresConnection) async throws -> PostgresMigrationPlan {
        // The server hashes: one thing less to link.
        let texts = migrations.map(\.sql)
        let checksums = try await connection.query(
            """
            SELECT encode(sha256(convert_to(text, 'UTF8')), 'hex')
            FROM unnest(\(texts)) WITH ORDINALITY AS given (text, place) ORDER BY place
            """
        ).all(String.self)
        let table = "\(quotedIdentifier(schema)).schema_migrations"
        var applied: [AppliedMigration] = []
        if try await connection.query("SELECT to_regclass(\(table)) IS NOT NULL").all(Bool.self) == [true] {
            applied = try await connection.query(
                "SELECT number, name, checksum, compatible_from, applied_by FROM \(unsafe: table) ORDER BY number"
            ).all(AppliedMigration.self)
        }
        return try PostgresMigrationPlan(
            schema: schema, known: Array(zip(migrations, checksums)), applied: applied)
    }

    private func apply(
        _ migration: PostgresMigration, _ connection: PostgresConnection, _ loop: EventLoop, _ timeout: Duration
    ) async throws {
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await applyOnce(migration, connection, timeout)
            } catch let error as PostgresError where error.code == .lockNotAvailable && attempt < 10 {
                try await loop.sleep(for: .milliseconds(100) * attempt * Double.random(in: 0.5...1))
            } catch var error as PostgresError {
                error.message = "migration \(migration.name): \(error.message)"
                // The whole text of a step helps nobody; its position does.
                error.sql = nil
                throw error
            }
        }
    }

    private func applyOnce(
        _ migration: PostgresMigration, _ connection: PostgresConnection, _ timeout: Duration
    ) async throws {
        let isTransactional = migration.isTransactional
        if isTransactional { try await connection.script("BEGIN") }
        do {
            for statement in migration.statements { try await connection.script(statement, timeout: timeout) }
            if isTransactional, try await !connection.isInTransaction() {
                throw PostgresError(.usage, "it ends the transaction that it runs in")
            }
            try await connection.execute(
                """
                INSERT INTO \(identifier: schema).schema_migrations (number, name, checksum, compatible_from)
                VALUES (\(migration.number), \(migration.name),
                    encode(sha256(convert_to(\(migration.sql), 'UTF8')), 'hex'), \(migration.compatibleFrom))
                """)
            if isTransactional { try await connection.script("COMMIT") }
        } catch {
            if isTransactional { try? await connection.script("ROLLBACK") }
            throw error
        }
    }
}
