import Contracts
import Journal
import Leases
import Postgres
import ServiceKit

/// What the relay reads and writes. Everything that it writes is under the lease of its shard, in one transaction with the
/// cursor that it belongs to.
struct RelayStore: Sendable {
    let pool: PostgresPool
    let mapping: any EventMapping

    /// Writes what became of events. A subscription that was moved or removed meanwhile takes nothing.
    /// - Returns: those that took it, each with the subjects of which still something waits.
    /// - Throws: `LeaseError.lost`, `PostgresError`.
    func write(_ reports: [RelayReport], under lease: Lease) async throws -> [Int64: Set<String>] {
        guard !reports.isEmpty else { return [:] }
        return try await pool.transaction { transaction in
            // A cursor that a crash of the server takes back only delivers again. A row must stay: whoever wrote it moves the
            // cursor on, and looks for the event there alone.
            if reports.allSatisfy({ !$0.outbox.hasRows }) {
                try await transaction.execute("SET LOCAL synchronous_commit = off")
            }
            try await lease.assertHeld(in: transaction)
            let accepted = try await RelayStore.move(reports, in: transaction)
            let taken = reports.filter { accepted.contains($0.id) }
            try await RelayStore.writeRows(taken, in: transaction)
            try await RelayStore.writeDead(taken, in: transaction)
            try await RelayStore.writeLog(taken, in: transaction)
            try await RelayStore.end(taken, in: transaction)
            var blocked: [Int64: Set<String>] = [:]
            for report in taken {
                blocked[report.id] = []
                guard report.keepsOrder, !report.subjects.isEmpty else { continue }
                blocked[report.id] = try await RelayStore.promote(report, in: transaction)
            }
            return blocked
        }
    }

    private static func move(
        _ reports: [RelayReport], in transaction: PostgresTransaction
    ) async throws -> Set<Int64> {
        let circuits = reports.filter { $0.outbox.circuit != nil }
        if !circuits.isEmpty {
            let until = circuits.map { $0.outbox.circuit.flatMap(\.closedUntil) }
            let failures = circuits.map { $0.outbox.circuit?.failure ?? "" }
            try await transaction.execute(
                """
                UPDATE events.progress AS p SET closed_until = g.until, failure = g.failure
                FROM unnest(\(circuits.map(\.id)), \(circuits.map(\.epoch)), \(until), \(failures))
                    AS g (id, epoch, until, failure)
                WHERE p.subscription = g.id AND p.epoch = g.epoch
                """)
        }
        let rows = try await transaction.query(
            """
            UPDATE events.progress AS p SET cursor_transaction = g.place, cursor_id = g.number, pending = g.pending,
                delivered = p.delivered + g.delivered, last_delivered = coalesce(g.last, p.last_delivered)
            FROM unnest(\(reports.map(\.id)), \(reports.map(\.epoch)),
                \(reports.map { Int64(bitPattern: $0.cursor.transaction) }), \(reports.map(\.cursor.id)),
                \(reports.map(\.pending)), \(reports.map(\.outbox.delivered)), \(reports.map(\.outbox.lastDelivered)))
                AS g (id, epoch, place, number, pending, delivered, last)
            WHERE p.subscription = g.id AND p.epoch = g.epoch
            RETURNING p.subscription
            """)
        return Set(try rows.all(Int64.self))
    }

    private static func writeRows(_ reports: [RelayReport], in transaction: PostgresTransaction) async throws {
        let gone = reports.flatMap { report in report.outbox.gone.map { (report.id, $0) } }
        if !gone.isEmpty {
            try await transaction.execute(
                """
                DELETE FROM events.waiting AS w
                USING unnest(\(gone.map(\.0)), \(gone.map { Int64(bitPattern: $0.1.transaction) }),
                    \(gone.map(\.1.id))) AS g (subscription, place, number)
                WHERE w.subscription = g.subscription AND w.transaction = g.place AND w.id = g.number
                """)
        }
        let waiting = reports.flatMap { report in report.outbox.waiting.map { (report, $0.key, $0.value) } }
        guard !waiting.isEmpty else { return }
        try await transaction.insert(
            into: "events.waiting",
            columns: [
                "subscription", "transaction", "id", "event", "subject", "attempts", "since", "due", "outcome",
            ], rows: waiting,
            suffix: """
                ON CONFLICT (subscription, transaction, id) DO UPDATE SET attempts = excluded.attempts,
                    due = excluded.due, outcome = excluded.outcome
                """
        ) { report, place, row in
            (
                report.id, Int64(bitPattern: place.transaction), place.id, row.item.event.id,
                report.keepsOrder ? row.item.event.subject : "", Int32(clamping: row.item.attempts), row.item.since,
                row.due, row.outcome
            )
        }
    }

    private static func writeDead(_ reports: [RelayReport], in transaction: PostgresTransaction) async throws {
        let dead = reports.flatMap { report in report.outbox.dead.map { (report.id, $0) } }
        guard !dead.isEmpty else { return }
        try await transaction.insert(
            into: "events.dead_letters",
            columns: [
                "subscription", "transaction", "id", "event", "content", "reason", "attempts", "outcome",
                "last_attempt",
            ], rows: dead, suffix: "ON CONFLICT (subscription, transaction, id) DO NOTHING"
        ) { id, letter in
            let place = letter.item.event.cursor
            return (
                id, Int64(bitPattern: place.transaction), place.id, letter.item.event.id,
                Slipway.Events.V1.Event(letter.item.event).serialized(), letter.reason,
                Int32(clamping: letter.item.attempts), letter.outcome, letter.lastAttempt
            )
        }
    }

    private static func writeLog(_ reports: [RelayReport], in transaction: PostgresTransaction) async throws {
        let log = reports.flatMap { report in report.outbox.log.map { (report.id, $0) } }
        guard !log.isEmpty else { return }
        try await transaction.insert(
            into: "events.deliveries",
            columns: [
                "subscription", "attempt_id", "events", "attempt", "at", "took_us", "status", "outcome", "delivered",
                "next",
            ], rows: log
        ) { id, entry in
            (
                id, entry.attempt.id, entry.events, Int32(clamping: entry.attempt.number), entry.at,
                entry.outcome.took.wholeNanoseconds / 1000, Int32(clamping: entry.outcome.status),
                entry.outcome.description, entry.outcome.kind == .delivered, entry.next
            )
        }
    }

    private static func end(_ reports: [RelayReport], in transaction: PostgresTransaction) async throws {
        for report in reports {
            guard let reason = report.outbox.ended else { continue }
            let changed = try await transaction.execute(
                """
                UPDATE events.subscriptions SET state = 'ended', reason = \(reason), revision = revision + 1,
                    updated = now()
                WHERE id = \(report.id) AND state = 'active'
                """)
            guard changed > 0 else { continue }
            try await Journal.append(
                JournalEntry(
                    actor: "service:events", action: "subscription.ended",
                    subject: "subscriptions/\(report.name)", workspace: report.workspace, reason: reason,
                    before: PostgresJSON("{\"state\":\"active\"}"), after: PostgresJSON("{\"state\":\"ended\"}")),
                in: transaction)
        }
    }

    /// Makes the first row of each subject due, now that those before it are gone. One that failed keeps its time.
    /// - Returns: the subjects of which one is left.
    private static func promote(
        _ report: RelayReport, in transaction: PostgresTransaction
    ) async throws -> Set<String> {
        let rows = try await transaction.query(
            """
            UPDATE events.waiting AS w SET due = CASE WHEN w.due = 'infinity' THEN now() ELSE w.due END
            FROM unnest(\(report.subjects)) AS s (subject), LATERAL (
                SELECT transaction, id FROM events.waiting
                WHERE subscription = \(report.id) AND subject = s.subject AND subject <> ''
                ORDER BY transaction, id LIMIT 1
            ) AS h
            WHERE w.subscription = \(report.id) AND w.transaction = h.transaction AND w.id = h.id
            RETURNING s.subject
            """)
        return Set(try rows.all(String.self))
    }
}
