import Postgres

extension Journal {
    /// The entries at these places, in the journal's order; those that are not there any more are left out.
    public func read(at places: [JournalCursor]) async throws -> [JournalRecord] {
        guard !places.isEmpty else { return [] }
        let transactions = places.map { String($0.transaction) }
        return try await pool.read(
            """
            SELECT e.id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM unnest(\(transactions), \(places.map(\.id))) AS place (txid, number)
            JOIN journal.entries AS e ON e.transaction = place.txid::xid8 AND e.id = place.number
            ORDER BY e.transaction, e.id
            """
        ).all(JournalRecord.self)
    }

    /// The entry of that number in a workspace.
    public func read(number: Int64, workspace: String) async throws -> JournalRecord? {
        try await pool.read(
            """
            SELECT id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM journal.entries WHERE workspace = \(workspace) AND id = \(number)
                AND transaction < pg_snapshot_xmin(pg_current_snapshot())
            """
        ).all(JournalRecord.self).first
    }

    /// What comes before `cursor`, the newest first, as far as it can't change any more.
    public func readBack(before cursor: JournalCursor, limit: Int = 1000) async throws -> [JournalRecord] {
        let transaction = String(cursor.transaction)
        return try await pool.read(
            """
            SELECT id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM journal.entries
            WHERE (transaction, id) < (\(transaction)::xid8, \(cursor.id))
                AND transaction < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY transaction DESC, id DESC LIMIT \(limit)
            """
        ).all(JournalRecord.self)
    }

    /// A place after everything that can't change any more, and before everything that is still to come.
    public func horizon() async throws -> JournalCursor {
        let rows = try await pool.read("SELECT pg_snapshot_xmin(pg_current_snapshot())").all(Int64.self)
        let next = UInt64(bitPattern: rows.first ?? 0)
        return JournalCursor(transaction: next == 0 ? 0 : next - 1, id: .max)
    }

    /// A place from which on everything is read that happened at `time` or later. Transactions commit in another order than
    /// their clocks say: something older may follow it too.
    public func place(before time: PostgresTimestamp) async throws -> JournalCursor {
        let query: PostgresQuery = """
            SELECT transaction FROM journal.entries
            WHERE at >= \(time) AND transaction < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY transaction, id LIMIT 1
            """
        let rows = try await pool.read(query.plannedForValues()).all(Int64.self)
        guard let first = rows.first else { return try await horizon() }
        return JournalCursor(transaction: UInt64(bitPattern: first) - 1, id: .max)
    }

    /// Where what retention removed ended; nil where it removed nothing. Who read up to an earlier place misses something.
    public func retiredUpTo() async throws -> JournalCursor? {
        let rows = try await pool.read(
            """
            SELECT to_transaction, to_id FROM journal.seals
            WHERE number <= (SELECT max(seal) FROM journal.prunings) ORDER BY number DESC LIMIT 1
            """
        ).all((Int64, Int64).self)
        return rows.first.map { JournalCursor(transaction: UInt64(bitPattern: $0), id: $1) }
    }
}
