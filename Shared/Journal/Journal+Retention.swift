import Postgres

extension Journal {
    /// Drops the months that ended before `keepingMonths` whole months ago. What is not sealed yet is sealed first, and
    /// which seals can't be recomputed any more is written down.
    /// - Returns: the partitions that were dropped.
    /// - Throws: `PostgresError`; of code `lock_not_available` where somebody keeps the tables locked: try again later.
    public func retire(keepingMonths: Int) async throws -> [String] {
        let names = try await pool.query(
            """
            SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'journal.entries'::regclass AND c.relname ~ '^entries_[0-9]{4}_[0-9]{2}$'
                AND c.relname < 'entries_' || to_char(
                    date_trunc('month', now() AT TIME ZONE 'UTC') - \(max(0, keepingMonths)) * interval '1 month',
                    'YYYY_MM')
            ORDER BY c.relname
            """
        ).all(String.self)
        guard !names.isEmpty else { return [] }
        let batch = 10_000
        while try await seal(limit: batch) == batch {}
        var dropped: [String] = []
        for name in names where try await retire(name) { dropped.append(name) }
        return dropped
    }

    private func retire(_ name: String) async throws -> Bool {
        try await pool.transaction(JournalUpkeep.options) { transaction in
            try await JournalUpkeep.lock(transaction)
            let isThere = try await transaction.query("SELECT to_regclass(\("journal.\(name)")) IS NOT NULL")
            guard try isThere.all(Bool.self) == [true] else { return false }
            let newest = try await transaction.query(
                """
                SELECT (
                    SELECT number FROM journal.seals AS s WHERE (s.to_transaction, s.to_id) >= (e.transaction, e.id)
                    ORDER BY number LIMIT 1
                ) FROM journal.\(identifier: name) AS e ORDER BY transaction DESC, id DESC LIMIT 1
                """
            ).all(Int?.self)
            // A row above the last seal belongs to a transaction that still holds the horizon back: next time.
            if let newest = newest.first, newest == nil { return false }
            let seal = newest.first?.flatMap { $0 } ?? 0
            try await transaction.execute("INSERT INTO journal.prunings (seal, partition) VALUES (\(seal), \(name))")
            try await transaction.execute("DROP TABLE journal.\(identifier: name)")
            return true
        }
    }
}
