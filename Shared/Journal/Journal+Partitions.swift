import Postgres

extension Journal {
    /// Makes the partitions of this month and of `ahead` more. To be called now and then; does nothing that is done. Rows
    /// that came while their month had no partition move into one, as they are.
    /// - Returns: the partitions that were made.
    /// - Throws: `PostgresError`; of code `lock_not_available` where somebody keeps the tables locked: try again later.
    @discardableResult
    public func makePartitions(ahead: Int = 2) async throws -> [String] {
        var made = try await settleStrays()
        for month in 0...max(0, ahead) {
            let name = try await pool.transaction(JournalUpkeep.options) { transaction -> String? in
                try await JournalUpkeep.lock(transaction)
                let partition = try await transaction.query(
                    """
                    SELECT \(JournalUpkeep.bounds), to_regclass('journal.entries_' || to_char(month, 'YYYY_MM')) IS NULL
                    FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + \(month) * interval '1 month' AS month)
                        AS given
                    """
                ).all((String, String, String, Bool).self).first
                guard let (name, from, to, isMissing) = partition, isMissing else { return nil }
                try await transaction.execute(
                    """
                    CREATE TABLE journal.\(identifier: name) PARTITION OF journal.entries
                    FOR VALUES FROM ('\(unsafe: from)') TO ('\(unsafe: to)')
                    """)
                try await JournalUpkeep.protect(name, transaction)
                return name
            }
            if let name { made.append(name) }
        }
        return made
    }

    /// Moves what the default partition holds of ordinary months into partitions of theirs: the month's partition could not
    /// be made beside them, and retention would never see them. Writers wait meanwhile.
    private func settleStrays() async throws -> [String] {
        let strays: PostgresQuery = "journal.entries_other WHERE at >= '2000-01-01Z' AND at < '9000-01-01Z'"
        guard try await pool.query("SELECT EXISTS (SELECT FROM \(strays))").all(Bool.self) == [true] else { return [] }
        return try await pool.transaction(JournalUpkeep.options) { transaction in
            try await JournalUpkeep.lock(transaction)
            // Detached, it has neither triggers nor a say in what other partitions may hold.
            try await transaction.execute("ALTER TABLE journal.entries DETACH PARTITION journal.entries_other")
            let months = try await transaction.query(
                """
                SELECT \(JournalUpkeep.bounds)
                FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AS month FROM \(strays)) AS given
                ORDER BY month
                """
            ).all((String, String, String).self)
            for (name, from, to) in months {
                try await transaction.execute(
                    """
                    CREATE TABLE journal.\(identifier: name)
                    (LIKE journal.entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)
                    """)
                try await transaction.execute(
                    """
                    WITH moved AS (
                        DELETE FROM journal.entries_other
                        WHERE at >= '\(unsafe: from)' AND at < '\(unsafe: to)' RETURNING *
                    ) INSERT INTO journal.\(identifier: name) SELECT * FROM moved
                    """)
                try await transaction.execute(
                    """
                    ALTER TABLE journal.entries ATTACH PARTITION journal.\(identifier: name)
                    FOR VALUES FROM ('\(unsafe: from)') TO ('\(unsafe: to)')
                    """)
                try await JournalUpkeep.protect(name, transaction)
            }
            try await transaction.execute(
                "ALTER TABLE journal.entries ATTACH PARTITION journal.entries_other DEFAULT")
            return months.map(\.0)
        }
    }
}

/// What the partitions' upkeep shares.
enum JournalUpkeep {
    /// Whoever waits for a table makes the writers behind it wait too: not for long, then.
    static var options: PostgresTransactionOptions {
        var options = PostgresTransactionOptions()
        options.lockTimeout = .seconds(3)
        return options
    }

    /// Name, first moment and end of the partition of `month`. These can't be binds in a definition, and need not be: they
    /// are made of numbers.
    static let bounds: PostgresQuery = """
        'entries_' || to_char(month, 'YYYY_MM'), to_char(month, 'YYYY-MM-DD"Z"'),
            to_char(month + interval '1 month', 'YYYY-MM-DD"Z"')
        """

    /// One at a time changes partitions, until its transaction ends.
    static func lock(_ transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('slipway journal partitions', 0))")
    }

    /// The triggers for rows come with the parent; this one does not.
    static func protect(_ name: String, _ transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            """
            CREATE TRIGGER keep_all BEFORE TRUNCATE ON journal.\(identifier: name)
            EXECUTE FUNCTION journal.refuse_change()
            """)
    }
}
