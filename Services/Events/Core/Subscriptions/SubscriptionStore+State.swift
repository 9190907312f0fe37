import Contracts
import Journal
import Postgres
import RPC
import ResourceKit

extension SubscriptionStore {
    func pause(
        _ request: Slipway.Events.V1.PauseRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.Subscription {
        try await self.change(request.name, "pause", by: change) { row, _ in
            row.state == "paused" ? nil : "state = 'paused', reason = \(request.reason)"
        }
    }

    func resume(
        _ request: Slipway.Events.V1.ResumeRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.Subscription {
        try await self.change(request.name, "resume", by: change) { row, transaction in
            // What failed is tried at once: somebody says that all is well.
            let hurried = try await transaction.execute(
                """
                UPDATE events.waiting SET due = now()
                WHERE subscription = \(row.id) AND due > now() AND due < 'infinity'
                """)
            let reopened = try await transaction.execute(
                """
                UPDATE events.progress SET closed_until = NULL, failure = ''
                WHERE subscription = \(row.id) AND closed_until IS NOT NULL
                """)
            // Whoever resumes was told that something is missing, and goes on with what there is.
            if let retired = try await journal.retiredUpTo(), row.cursor < retired {
                try await transaction.execute(
                    """
                    UPDATE events.progress SET epoch = epoch + 1, cursor_id = \(retired.id),
                        cursor_transaction = \(Int64(bitPattern: retired.transaction))
                    WHERE subscription = \(row.id)
                    """)
            }
            return reopened == 0 && hurried == 0 && row.state == "active" ? nil : "state = 'active', reason = ''"
        }
    }

    func replay(
        _ request: Slipway.Events.V1.ReplayRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.Subscription {
        guard !request.after.isEmpty || request.since != nil else {
            throw RPCError.badRequest(field: "after", "a place or a time to begin from is needed")
        }
        let cursor = try await start(after: request.after, since: request.since)
        return try await self.change(request.name, "replay", by: change) { row, transaction in
            guard cursor < row.cursor else {
                throw RPCError.badRequest(
                    field: request.after.isEmpty ? "since" : "after", "the subscription is not that far yet")
            }
            let place = Int64(bitPattern: cursor.transaction)
            try await transaction.execute(
                """
                UPDATE events.progress SET epoch = epoch + 1, cursor_transaction = \(place), cursor_id = \(cursor.id)
                WHERE subscription = \(row.id)
                """)
            // They come again with the others, in their order.
            try await transaction.execute(
                """
                DELETE FROM events.waiting
                WHERE subscription = \(row.id) AND (transaction, id) > (\(place), \(cursor.id))
                """)
            try await transaction.execute(
                """
                DELETE FROM events.dead_letters
                WHERE subscription = \(row.id) AND (transaction, id) > (\(place), \(cursor.id))
                """)
            return "name = name"
        }
    }

    func delete(
        _ request: Slipway.Events.V1.DeleteSubscriptionRequest, by change: WorkspaceChange
    ) async throws {
        let secret = try await pool.transaction { transaction in
            let row = try await find(request.name, in: change.workspace, locking: true, transaction)
            try await transaction.execute("DELETE FROM events.subscriptions WHERE id = \(row.id)")
            try await Journal.append(
                change.journalEntry(
                    "subscription.delete", "subscriptions/\(request.name)",
                    before: SubscriptionStore.json(row.message)), in: transaction)
            try await SubscriptionStore.tell(row.shard, in: transaction)
            return row.secret
        }
        await forget(secret, in: change)
    }

    func redeliver(
        _ request: Slipway.Events.V1.RedeliverRequest, by change: WorkspaceChange
    ) async throws -> Int64 {
        guard request.events.count <= 1000 else {
            throw RPCError.badRequest(field: "events", "1,000 at most are named at once; none means all")
        }
        return try await pool.transaction { transaction in
            let row = try await find(request.name, in: change.workspace, locking: true, transaction)
            let which: PostgresQuery = request.events.isEmpty ? "true" : "event = ANY(\(request.events))"
            let moved = try await transaction.execute(
                """
                WITH taken AS (
                    DELETE FROM events.dead_letters WHERE subscription = \(row.id) AND \(which)
                    RETURNING transaction, id, event, content
                )
                INSERT INTO events.waiting (subscription, transaction, id, event, subject, since, due, content)
                SELECT \(row.id), transaction, id, event, '', now(), now(), content FROM taken
                ON CONFLICT DO NOTHING
                """)
            guard moved > 0 else { return 0 }
            try await transaction.execute(
                "UPDATE events.subscriptions SET revision = revision + 1, updated = now() WHERE id = \(row.id)")
            try await Journal.append(
                change.journalEntry(
                    "subscription.redeliver", "subscriptions/\(request.name)", after: "{\"events\":\(moved)}"),
                in: transaction)
            try await SubscriptionStore.tell(row.shard, in: transaction)
            return Int64(moved)
        }
    }
}
