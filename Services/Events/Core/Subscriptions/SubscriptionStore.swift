import Access
import Contracts
import Journal
import Loop
public import Postgres
import Protobuf
import RPC
import ResourceKit
public import Secrets
import ServiceKit

/// The subscriptions of workspaces. Each change is one transaction with its row of the journal; the relay that works on the
/// subscription is told of it.
public struct SubscriptionStore: Sendable {
    let pool: PostgresPool
    let secrets: SecretStore
    let filters: any EventFilterParsing
    let sender: any EventSending
    let mapping: any EventMapping
    /// Receivers may be left out of asking for their consent.
    let allowsUnvalidated: Bool
    var journal: Journal { Journal(pool) }

    public init(
        _ pool: PostgresPool, secrets: SecretStore, filters: any EventFilterParsing, sender: any EventSending,
        mapping: any EventMapping, allowsUnvalidated: Bool
    ) {
        self.pool = pool
        self.secrets = secrets
        self.filters = filters
        self.sender = sender
        self.mapping = mapping
        self.allowsUnvalidated = allowsUnvalidated
    }

    func find(
        _ name: String, in workspace: Workspace, locking: Bool = false, _ transaction: PostgresTransaction? = nil
    ) async throws -> SubscriptionRow {
        let lock: PostgresQuery = locking ? "FOR UPDATE OF s, p" : ""
        let query: PostgresQuery = """
            \(SubscriptionRow.query) WHERE s.workspace = \(workspace.databaseID) AND s.name = \(name) \(lock)
            """
        let rows: PostgresRows
        if let transaction { rows = try await transaction.query(query) } else { rows = try await pool.read(query) }
        guard let row = try rows.all(SubscriptionRow.self).first else {
            throw Refusal.notFound(
                "slipway.events.v1.Subscription", name,
                "there is no subscription \(shown(name)) in the workspace \(workspace.name)")
        }
        return row
    }

    func list(
        _ request: Slipway.Events.V1.ListSubscriptionsRequest, in workspace: Workspace
    ) async throws -> Slipway.Events.V1.ListSubscriptionsResponse {
        let size = try PageSize.check(request.pageSize)
        let query = "subscriptions \(workspace.id)"
        let after = try PageToken.read(request.pageToken, for: query)?.values.first ?? ""
        let rows = try await pool.read(
            """
            \(SubscriptionRow.query) WHERE s.workspace = \(workspace.databaseID) AND s.name > \(after)
            ORDER BY s.name LIMIT \(size + 1)
            """
        ).all(SubscriptionRow.self)
        var response = Slipway.Events.V1.ListSubscriptionsResponse()
        response.subscriptions = rows.prefix(size).map(\.message)
        if rows.count > size, let last = response.subscriptions.last {
            response.nextPageToken = PageToken(values: [last.name]).text(for: query)
        }
        return response
    }

    /// Changes a subscription that is there: `body` gives the statement's settings, or nil where nothing changes.
    func change(
        _ name: String, _ action: String, by change: WorkspaceChange, isMoved: Bool = false,
        _ body: (SubscriptionRow, PostgresTransaction) async throws -> PostgresQuery?
    ) async throws -> Slipway.Events.V1.Subscription {
        try await pool.transaction { transaction in
            let before = try await find(name, in: change.workspace, locking: true, transaction)
            guard let settings = try await body(before, transaction) else { return before.message }
            try await transaction.execute(
                """
                UPDATE events.subscriptions SET \(settings), revision = revision + 1, updated = now()
                WHERE id = \(before.id)
                """)
            let after = try await find(name, in: change.workspace, transaction)
            try await Journal.append(
                change.journalEntry(
                    "subscription.\(action)", "subscriptions/\(name)", before: SubscriptionStore.json(before.message),
                    after: SubscriptionStore.json(after.message)), in: transaction)
            try await SubscriptionStore.tell(before.shard, in: transaction)
            return after.message
        }
    }

    static func tell(_ shard: Int32, in transaction: PostgresTransaction) async throws {
        try await transaction.execute("SELECT pg_notify(\(EventsSchema.channel), \("\(shard)"))")
    }

    /// For the journal: what people decided, not what was counted.
    static func json(_ subscription: Slipway.Events.V1.Subscription) -> String {
        var target = ("file", "")
        switch subscription.destination?.kind {
        case .webhook(let webhook): target = ("url", webhook.url)
        case .file(let file): target = ("file", file.path)
        case nil: break
        }
        let state =
            switch subscription.state {
            case .paused: "paused"
            case .ended: "ended"
            default: "active"
            }
        return RowJSON.members([
            (target.0, RowJSON.text(target.1)), ("concurrency", "\(subscription.concurrency)"),
            ("description", RowJSON.text(subscription.description)), ("filter", RowJSON.text(subscription.filter)),
            ("ordered", "\(subscription.ordered)"), ("state", RowJSON.text(state)),
        ])
    }

    /// Where to begin: after a place, from a time on, or with what comes.
    func start(
        after text: String, since: Google.Protobuf.Timestamp?
    ) async throws -> JournalCursor {
        if !text.isEmpty {
            guard since == nil else {
                throw RPCError.badRequest(field: "since", "either a place or a time is given, not both")
            }
            guard let cursor = JournalCursor(text) else {
                throw RPCError.badRequest(field: "after", "\(shown(text)) is no cursor of an event")
            }
            let now = try await journal.horizon()
            guard cursor <= now else {
                throw RPCError.badRequest(field: "after", "\(shown(text)) is after everything that happened")
            }
            return cursor
        }
        guard let since else { return try await journal.horizon() }
        guard let time = PostgresTimestamp(since) else {
            throw RPCError.badRequest(field: "since", "it is no time between the years 1 and 9999")
        }
        return try await journal.place(before: time)
    }
}
