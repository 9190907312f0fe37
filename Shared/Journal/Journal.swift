import Loop
import Postgres

/// The audit trail, the source of events and the feed of activities in one: written within the transaction that makes the
/// change, so that neither exists without the other.
public struct Journal: Sendable {
    let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// Makes or updates the journal's tables, and the partitions of this month and the next.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await JournalSchema.migrations().apply(configuration, on: loop)
        let pool = PostgresPool(configuration, loops: [loop])
        do {
            try await Journal(pool).makePartitions()
            await pool.close()
        } catch {
            await pool.close()
            throw error
        }
    }

    /// Appends to the journal in the caller's transaction: one round trip for any number of entries.
    public static func append(_ entries: [JournalEntry], in transaction: PostgresTransaction) async throws {
        let columns = ["actor", "action", "subject", "workspace", "reason", "before", "after", "trace"]
        try await transaction.insert(into: "journal.entries", columns: columns, rows: entries) {
            ($0.actor, $0.action, $0.subject, $0.workspace, $0.reason, $0.before, $0.after, $0.traceID)
        }
    }

    public static func append(_ entry: JournalEntry, in transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            """
            INSERT INTO journal.entries (actor, action, subject, workspace, reason, before, after, trace)
            VALUES (\(entry.actor), \(entry.action), \(entry.subject), \(entry.workspace), \(entry.reason),
                \(entry.before), \(entry.after), \(entry.traceID))
            """)
    }

    /// The statement that appends `entry` once for each row of `source`, to be part of another one. What is known only while
    /// that runs is given as expressions over those rows.
    public static func insertion(
        _ entry: JournalEntry, subject: PostgresQuery? = nil, after: PostgresQuery? = nil,
        from source: PostgresQuery
    ) -> PostgresQuery {
        """
        INSERT INTO journal.entries (actor, action, subject, workspace, reason, before, after, trace)
        SELECT \(entry.actor), \(entry.action), \(subject ?? "\(entry.subject)"), \(entry.workspace), \(entry.reason),
            \(entry.before), \(after ?? "\(entry.after)"), \(entry.traceID) FROM \(source)
        """
    }

    /// What comes after `cursor`, in the journal's order, as far as that can't change any more.
    ///
    /// Numbers are given out before their transactions commit, so a higher one may show first. This reads only what
    /// belongs to transactions older than every one that still runs: what is skipped once would be skipped for ever. A
    /// transaction that stays open holds its readers back.
    public func read(after cursor: JournalCursor, limit: Int = 1000) async throws -> [JournalRecord] {
        let transaction = String(cursor.transaction)
        return try await pool.read(
            """
            SELECT id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM journal.entries
            WHERE (transaction, id) > (\(transaction)::xid8, \(cursor.id))
                AND transaction < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY transaction, id LIMIT \(limit)
            """
        ).all(JournalRecord.self)
    }
}
