import Contracts
import Journal
import Postgres

/// Rows whose time has come.
struct DueRows: Sendable {
    var items: [DeliveryItem] = []
    /// Those whose event nobody knows any more.
    var lost: [DeliveryItem] = []
    /// When the next is due, or at once where there are more; nil where none wait.
    var next: PostgresTimestamp?
}

extension RelayStore {
    /// - Parameter except: those that are out already.
    func due(
        _ subscription: Int64, isOrdered: Bool, except: [JournalCursor], limit: Int
    ) async throws -> DueRows {
        let places = except.map { Int64(bitPattern: $0.transaction) }
        let numbers = except.map(\.id)
        // With order: of the subjects whose first is due, all that follow as well.
        let found: PostgresQuery =
            isOrdered
            ? """
            SELECT w.* FROM (
                SELECT DISTINCT subject FROM events.waiting
                WHERE subscription = \(subscription) AND due <= now() LIMIT \(limit)
            ) AS s, LATERAL (
                SELECT * FROM events.waiting WHERE subscription = \(subscription) AND subject = s.subject
                    AND (subject <> '' OR due <= now()) ORDER BY transaction, id LIMIT \(limit)
            ) AS w
            """
            : "SELECT * FROM events.waiting WHERE subscription = \(subscription) AND due <= now()"
        let taken: PostgresQuery = """
            SELECT FROM unnest(\(places), \(numbers)) AS t (place, number)
            WHERE t.place = w.transaction AND t.number = w.id
            """
        let order: PostgresQuery = isOrdered ? "transaction, id" : "due"
        let first: PostgresQuery = """
            SELECT transaction, id, event, attempts, since, content, subject FROM (\(found)) AS w
            WHERE NOT EXISTS (\(taken)) ORDER BY \(order) LIMIT \(limit)
            """
        let rows = try await pool.read(first.plannedForValues()).all(
            (Int64, Int64, String, Int32, PostgresTimestamp, [UInt8]?, String).self)
        let later: PostgresQuery = """
            SELECT min(due) FROM events.waiting AS w
            WHERE subscription = \(subscription) AND due < 'infinity' AND NOT EXISTS (\(taken))
                AND (transaction, id) NOT IN (
                    SELECT * FROM unnest(\(rows.map(\.0)), \(rows.map(\.1))))
            """
        let next = try await pool.read(later.plannedForValues()).all(PostgresTimestamp?.self)
        var due = DueRows()
        due.next = next.first ?? nil
        let cursors = rows.map { JournalCursor(transaction: UInt64(bitPattern: $0.0), id: $0.1) }
        let records = try await Journal(pool).read(at: cursors)
        var events: [JournalCursor: EventRecord] = [:]
        for record in records { events[record.cursor] = mapping.event(from: record) }
        for (row, cursor) in zip(rows, cursors) {
            let kept = try row.5.map { try EventRecord(Slipway.Events.V1.Event(serialized: $0), at: cursor) }
            guard let event = events[cursor] ?? kept else {
                let unknown = EventRecord(
                    id: row.2, type: "", workspace: "", subject: row.6, time: row.4, data: "null", cursor: cursor)
                due.lost.append(DeliveryItem(event: unknown, attempts: Int(row.3), since: row.4, isRow: true))
                continue
            }
            due.items.append(DeliveryItem(event: event, attempts: Int(row.3), since: row.4, isRow: true))
        }
        return due
    }
}
