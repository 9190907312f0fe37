import Access
import Contracts
import Journal
import Postgres
import Secrets

/// What is needed to read subscriptions as the relay works on them.
struct OrderReader: Sendable {
    let pool: PostgresPool
    let secrets: SecretStore
    let filters: any EventFilterParsing

    /// The subscriptions of a shard, those that are furthest behind first: others then find in memory what these read.
    func orders(shard: Int) async throws -> [SubscriptionOrder] {
        let rows = try await pool.query(
            """
            SELECT s.*, p.epoch, p.cursor_transaction, p.cursor_id, p.closed_until
            FROM events.subscriptions AS s JOIN events.progress AS p ON p.subscription = s.id
            WHERE s.shard = \(Int32(clamping: shard)) ORDER BY p.cursor_transaction, p.cursor_id
            """)
        var orders: [SubscriptionOrder] = []
        let retired = try await Journal(pool).retiredUpTo()
        for row in rows {
            var order = try await order(row, shard: shard)
            if let retired, order.cursor < retired, order.isActive {
                order.isActive = false
                try await stop(order)
            }
            orders.append(order)
        }
        return orders
    }

    /// The journal does not keep all that a subscription waits for any more: somebody has to know before it goes on.
    private func stop(_ order: SubscriptionOrder) async throws {
        let reason =
            "the journal does not keep all events after \(order.cursor) any more; resume to go on with what there is"
        try await pool.transaction { transaction in
            let changed = try await transaction.execute(
                """
                UPDATE events.subscriptions SET state = 'paused', reason = \(reason), revision = revision + 1,
                    updated = now()
                WHERE id = \(order.id) AND revision = \(order.revision) AND state = 'active'
                """)
            guard changed > 0 else { return }
            try await Journal.append(
                JournalEntry(
                    actor: "service:events", action: "subscription.pause", subject: "subscriptions/\(order.name)",
                    workspace: order.workspace, reason: reason), in: transaction)
        }
    }

    private func order(_ row: PostgresRow, shard: Int) async throws -> SubscriptionOrder {
        let id: Int64 = try row.decode("id")
        let isOrdered: Bool = try row.decode("ordered")
        let cursor = JournalCursor(
            transaction: UInt64(bitPattern: try row.decode("cursor_transaction", as: Int64.self)),
            id: try row.decode("cursor_id"))
        let destination = try Slipway.Events.V1.Destination(serialized: row.decode("destination", as: [UInt8].self))
        let state: String = try row.decode("state")
        var isActive = state == "active"
        var filter: any EventFiltering = NoEvents()
        do {
            filter = try filters.parse(row.decode("filter", as: String.self))
        } catch is EventFilterError {
            // Written by another version of the suite: better to wait than to pass by.
            isActive = false
        }
        let workspaceID: PostgresUUID = try row.decode("workspace")
        let workspace = Workspace(
            id: EntityID(high: workspaceID.high, low: workspaceID.low), name: try row.decode("workspace_name"))
        var specification = DestinationSpecification(destination)
        let secret: String = try row.decode("secret")
        if !secret.isEmpty {
            let kept = SubscriptionSecrets(try await secrets.get(secret, in: workspace))
            specification.headers = kept.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            specification.signingSecrets = kept.current(.now)
        }
        let details = try await details(id, isOrdered: isOrdered, after: cursor)
        var batch = 1
        var rate = 0
        if case .webhook(let webhook) = destination.kind {
            if webhook.mode == .batch { batch = webhook.batchEvents > 0 ? Int(webhook.batchEvents) : 100 }
            rate = Int(webhook.ratePerMinute)
        }
        if case .file = destination.kind { batch = 100 }
        return SubscriptionOrder(
            id: id, shard: shard, workspace: workspace.name, name: try row.decode("name"), filter: filter,
            destination: specification, isOrdered: isOrdered,
            concurrency: Int(try row.decode("concurrency", as: Int32.self)), batch: batch,
            limit: DeliveryLimit(
                attempts: Int(try row.decode("attempts", as: Int32.self)),
                age: .seconds(try row.decode("age_seconds", as: Int64.self))),
            ratePerMinute: rate, isActive: isActive, revision: try row.decode("revision"),
            epoch: try row.decode("epoch"), cursor: cursor, known: details.known, blocked: details.blocked,
            hasRows: details.hasRows, closedUntil: try row.decode("closed_until"))
    }

    private func details(
        _ id: Int64, isOrdered: Bool, after cursor: JournalCursor
    ) async throws -> (known: Set<JournalCursor>, blocked: Set<String>, hasRows: Bool) {
        let place = Int64(bitPattern: cursor.transaction)
        let answers = try await pool.read([
            """
            SELECT transaction, id FROM events.waiting
            WHERE subscription = \(id) AND (transaction, id) > (\(place), \(cursor.id))
            UNION SELECT transaction, id FROM events.dead_letters
            WHERE subscription = \(id) AND (transaction, id) > (\(place), \(cursor.id))
            """,
            "SELECT DISTINCT subject FROM events.waiting WHERE subscription = \(id) AND \(isOrdered) AND subject <> ''",
            "SELECT EXISTS (SELECT FROM events.waiting WHERE subscription = \(id))",
        ])
        let known = try answers[0].all((Int64, Int64).self).map {
            JournalCursor(transaction: UInt64(bitPattern: $0), id: $1)
        }
        return (
            Set(known), Set(try answers[1].all(String.self)), try answers[2].all(Bool.self).first ?? false
        )
    }
}

/// A filter that can't be read lets nothing through.
private struct NoEvents: EventFiltering {
    func matches(_ event: EventRecord) -> Bool { false }
}
