import Postgres

extension Journal {
    /// Makes the partitions of this month and of `ahead` more. To be called now and then; does nothing that is done.
    public func makePartitions(ahead: Int = 2) async throws {
        for month in 0...max(0, ahead) {
            try await pool.transaction { transaction in
                try await transaction.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended('slipway journal partitions', 0))")
                let (name, from, to, isThere) = try await transaction.query(
                    """
                    SELECT 'entries_' || to_char(month, 'YYYY_MM'), to_char(month, 'YYYY-MM-DD"Z"'),
                        to_char(month + interval '1 month', 'YYYY-MM-DD"Z"'),
                        to_regclass('journal.entries_' || to_char(month, 'YYYY_MM')) IS NOT NULL
                    FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + \(month) * interval '1 month' AS month)
                        AS given
                    """
                ).all((String, String, String, Bool).self)[0]
                guard !isThere else { return }
                // These values can't be binds; they were made from numbers just now.
                try await transaction.execute(
                    """
                    CREATE TABLE journal.\(identifier: name) PARTITION OF journal.entries
                    FOR VALUES FROM ('\(unsafe: from)') TO ('\(unsafe: to)')
                    """)
            }
        }
    }

    /// Drops the months that ended before `keepingMonths` whole months ago. What is not sealed yet is sealed first, and
    /// which seals can't be recomputed any more is written down.
    /// - Returns: the partitions that were dropped.
    public func retire(keepingMonths: Int) async throws -> [String] {
        while try await seal() > 0 {}
        let names = try await pool.query(
            """
            SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'journal.entries'::regclass AND c.relname ~ '^entries_[0-9]{4}_[0-9]{2}$'
                AND c.relname < 'entries_' || to_char(
                    date_trunc('month', now() AT TIME ZONE 'UTC') - \(keepingMonths) * interval '1 month', 'YYYY_MM')
            ORDER BY c.relname
            """
        ).all(String.self)
        var dropped: [String] = []
        for name in names {
            let isDropped = try await pool.transaction { transaction in
                // A row above the last seal belongs to a transaction that still holds the horizon back: next time.
                let (unsealed, seal) = try await transaction.query(
                    """
                    SELECT count(*) FILTER (WHERE s.number IS NULL), coalesce(max(s.number), 0)
                    FROM journal.\(identifier: name) AS e LEFT JOIN journal.seals AS s
                        ON (e.transaction, e.id) > (s.from_transaction, s.from_id)
                        AND (e.transaction, e.id) <= (s.to_transaction, s.to_id)
                    """
                ).all((Int, Int).self)[0]
                guard unsealed == 0 else { return false }
                try await transaction.execute(
                    "INSERT INTO journal.prunings (seal, partition) VALUES (\(seal), \(name))")
                try await transaction.execute("DROP TABLE journal.\(identifier: name)")
                return true
            }
            if isDropped { dropped.append(name) }
        }
        return dropped
    }
}
