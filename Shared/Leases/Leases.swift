import Loop
import Postgres

/// Claims on named work, kept in the database and judged by the database's clock alone.
///
/// Names are grouped by kind. Work of two sorts is meant: names that many want and one shall have (`claim`), and queues
/// of things to do of which each shall be done by somebody (`offer`, `claimNext`).
public struct Leases: Sendable {
    /// The kind is sent here whenever work of it becomes free.
    public static let channel = "slipway_leases"

    public let holder: String
    let pool: PostgresPool
    let loop: EventLoop

    /// - Parameters:
    ///   - holder: who claims, for people: the host and the process.
    ///   - loop: its clock decides when this process counts a lease as lost.
    public init(_ pool: PostgresPool, holder: String, loop: EventLoop) {
        self.pool = pool
        self.holder = holder
        self.loop = loop
    }

    /// Makes or updates the tables.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await LeasesSchema.migrations().apply(configuration, on: loop)
    }

    /// Adds work that anybody may claim once the transaction is committed. Does nothing where the name is known.
    public static func offer(_ kind: String, _ name: String, in transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            """
            WITH offered AS (
                INSERT INTO leases.leases (kind, name) VALUES (\(kind), \(name)) ON CONFLICT DO NOTHING
            )
            SELECT pg_notify(\(channel), \(kind))
            """)
    }

    /// Claims the name where it is free, expired or was never heard of.
    /// - Returns: nil where somebody holds it.
    public func claim(_ kind: String, _ name: String, for duration: Duration) async throws -> Lease? {
        let since = loop.clock.now
        let rows = try await pool.query(
            """
            INSERT INTO leases.leases AS l (kind, name, fence, holder, claimable_at)
            VALUES (\(kind), \(name), nextval('leases.fences'), \(holder),
                clock_timestamp() + \(duration.microseconds) * interval '1 microsecond')
            ON CONFLICT (kind, name) DO UPDATE SET fence = nextval('leases.fences'), holder = excluded.holder,
                claimable_at = clock_timestamp() + \(duration.microseconds) * interval '1 microsecond'
            WHERE l.claimable_at <= clock_timestamp()
            RETURNING fence
            """)
        return try rows.all(Int64.self).first.map { fence in
            Lease(kind: kind, name: name, holder: holder, fence: fence, duration: duration, heldSince: since)
        }
    }

    /// Claims what was offered and is free or expired, the longest waiting first. Several may look at once: none waits
    /// for another, and none gets what another gets.
    public func claimNext(_ kinds: [String], limit: Int = 1, for duration: Duration) async throws -> LeaseClaims {
        let since = loop.clock.now
        let rows = try await pool.query(
            """
            WITH due AS MATERIALIZED (
                SELECT kind, name FROM leases.leases
                WHERE kind = ANY(\(kinds)) AND claimable_at <= statement_timestamp()
                ORDER BY claimable_at LIMIT \(limit) FOR UPDATE SKIP LOCKED
            )
            UPDATE leases.leases AS l SET fence = nextval('leases.fences'), holder = \(holder),
                claimable_at = clock_timestamp() + \(duration.microseconds) * interval '1 microsecond'
            FROM due WHERE l.kind = due.kind AND l.name = due.name
            RETURNING l.kind, l.name, l.fence
            """)
        let leases = try rows.all((String, String, Int64).self).map { kind, name, fence in
            Lease(kind: kind, name: name, holder: holder, fence: fence, duration: duration, heldSince: since)
        }
        guard leases.count < limit else { return LeaseClaims(leases: leases, nextAfter: nil) }
        let next = try await pool.read(
            """
            SELECT (extract(epoch FROM min(claimable_at) - clock_timestamp()) * 1000000)::bigint FROM leases.leases
            WHERE kind = ANY(\(kinds))
            """
        ).all(Int64?.self)
        return LeaseClaims(leases: leases, nextAfter: (next.first ?? nil).map { .microseconds(max(0, $0)) })
    }

    /// Keeps the lease for another `duration`.
    /// - Returns: false where it is lost.
    public func renew(_ lease: Lease, timeout: Duration? = nil) async throws -> Bool {
        try await pool.execute(
            """
            UPDATE leases.leases
            SET claimable_at = clock_timestamp() + \(lease.duration.microseconds) * interval '1 microsecond'
            WHERE kind = \(lease.kind) AND name = \(lease.name) AND fence = \(lease.fence) AND holder IS NOT NULL
            """, timeout: timeout) > 0
    }

    /// Gives the lease back: others may claim it after `delay`. Does nothing where it is lost.
    public func release(_ lease: Lease, after delay: Duration = .zero) async throws {
        try await pool.transaction { try await Leases.release(lease, after: delay, in: $0) }
    }

    /// As the other, together with a change of the caller's.
    public static func release(
        _ lease: Lease, after delay: Duration = .zero, in transaction: PostgresTransaction
    ) async throws {
        try await transaction.execute(
            """
            WITH released AS (
                UPDATE leases.leases
                SET holder = NULL, claimable_at = clock_timestamp() + \(delay.microseconds) * interval '1 microsecond'
                WHERE kind = \(lease.kind) AND name = \(lease.name) AND fence = \(lease.fence)
                    AND holder IS NOT NULL
            )
            SELECT pg_notify(\(channel), \(lease.kind))
            """)
    }

    /// Removes work that is done for good. A closed name must not be offered or claimed again.
    public static func close(_ lease: Lease, in transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            "DELETE FROM leases.leases WHERE kind = \(lease.kind) AND name = \(lease.name) AND fence = \(lease.fence)")
    }
}

extension Duration {
    var microseconds: Int64 { wholeNanoseconds / 1000 }
}
