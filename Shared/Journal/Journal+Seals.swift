import Postgres

/// What `verify` found.
public struct JournalFinding: Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension Journal {
    /// Chains what was appended since the last seal, as far as it can't change any more: digest of the last seal, then of
    /// each row in the journal's order. One sealer at a time; the others return at once. Writers never wait for it.
    /// - Returns: how many rows were sealed.
    @discardableResult
    public func seal(limit: Int = 10_000) async throws -> Int {
        try await pool.transaction { transaction in
            let mine = try await transaction.query(
                "SELECT pg_try_advisory_xact_lock(hashtextextended('slipway journal seal', 0))")
            guard try mine.all(Bool.self) == [true] else { return 0 }
            let sealed = try await transaction.query(
                """
                WITH last AS (
                    SELECT number, to_transaction, to_id, digest FROM journal.seals
                    UNION ALL SELECT 0, '0'::xid8, 0, ''::bytea ORDER BY number DESC LIMIT 1
                ), due AS MATERIALIZED (
                    SELECT e.transaction, e.id, e.digest FROM journal.entries AS e, last
                    WHERE (e.transaction, e.id) > (last.to_transaction, last.to_id)
                        AND e.transaction < pg_snapshot_xmin(pg_current_snapshot())
                    ORDER BY e.transaction, e.id LIMIT \(limit)
                )
                INSERT INTO journal.seals (number, from_transaction, from_id, to_transaction, to_id, count, digest)
                SELECT last.number + 1, last.to_transaction, last.to_id, newest.transaction, newest.id,
                    (SELECT count(*) FROM due),
                    sha256(last.digest || (SELECT string_agg(digest, ''::bytea ORDER BY transaction, id) FROM due))
                FROM last, (SELECT transaction, id FROM due ORDER BY transaction DESC, id DESC LIMIT 1) AS newest
                RETURNING count
                """)
            return try sealed.all(Int.self).first ?? 0
        }
    }

    /// Recomputes every digest and the chain over them. Nothing found means that no row was changed, and no sealed row
    /// added or removed.
    public func verify() async throws -> [JournalFinding] {
        try await pool.transaction(isolation: .repeatableRead, readOnly: true) { transaction in
            var findings = try await transaction.query(
                """
                SELECT id FROM journal.entries AS e WHERE digest <> journal.digest_of(
                    id, transaction, at, actor, action, subject, workspace, reason, before, after, trace) ORDER BY id
                """
            ).all(Int.self).map { JournalFinding(description: "entry \($0) was changed") }
            // A seal without rows left counts none, and its chain then fails; what retention took is left out.
            let broken = try await transaction.query(
                """
                WITH chain AS (
                    SELECT *, lag(digest, 1, ''::bytea) OVER (ORDER BY number) AS previous,
                        lag(to_transaction, 1, '0'::xid8) OVER (ORDER BY number) AS previous_transaction,
                        lag(to_id, 1, 0::bigint) OVER (ORDER BY number) AS previous_id,
                        lag(number, 1, 0::bigint) OVER (ORDER BY number) AS previous_number
                    FROM journal.seals
                )
                SELECT c.number FROM chain AS c, LATERAL (
                    SELECT count(*) AS count, coalesce(string_agg(e.digest, ''::bytea ORDER BY e.transaction, e.id), '')
                        AS digests
                    FROM journal.entries AS e
                    WHERE (e.transaction, e.id) > (c.from_transaction, c.from_id)
                        AND (e.transaction, e.id) <= (c.to_transaction, c.to_id)
                ) AS found
                WHERE c.previous_number <> c.number - 1
                    OR (c.previous_transaction, c.previous_id) <> (c.from_transaction, c.from_id)
                    OR (c.number > (SELECT coalesce(max(seal), 0) FROM journal.prunings)
                        AND (found.count <> c.count OR sha256(c.previous || found.digests) <> c.digest))
                ORDER BY c.number
                """)
            findings += try broken.all(Int.self).map {
                JournalFinding(description: "seal \($0) does not match its entries")
            }
            return findings
        }
    }
}
