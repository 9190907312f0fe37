import Access
import Contracts
import Journal
import Postgres
import Protobuf
import ResourceKit

/// A subscription as its tables hold it.
struct SubscriptionRow: PostgresRowDecodable {
    /// Of these `init(row:)` reads.
    static let query: PostgresQuery = """
        SELECT s.*, p.epoch, p.cursor_transaction, p.cursor_id, p.pending, p.delivered, p.last_delivered,
            p.closed_until, p.failure,
            (SELECT count(*) FROM events.waiting AS w WHERE w.subscription = s.id) AS waiting,
            (SELECT count(*) FROM events.dead_letters AS d WHERE d.subscription = s.id) AS dead
        FROM events.subscriptions AS s JOIN events.progress AS p ON p.subscription = s.id
        """

    var id: Int64
    var shard: Int32
    var secret: String
    var state: String
    var cursor: JournalCursor
    var message: Slipway.Events.V1.Subscription

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        shard = try row.decode("shard")
        secret = try row.decode("secret")
        state = try row.decode("state")
        cursor = JournalCursor(
            transaction: UInt64(bitPattern: try row.decode("cursor_transaction", as: Int64.self)),
            id: try row.decode("cursor_id"))
        message = Slipway.Events.V1.Subscription()
        message.name = try row.decode("name")
        message.description = try row.decode("description")
        message.filter = try row.decode("filter")
        message.destination = try Slipway.Events.V1.Destination(
            serialized: row.decode("destination", as: [UInt8].self))
        message.ordered = try row.decode("ordered")
        message.concurrency = try row.decode("concurrency")
        var retry = Slipway.Events.V1.RetryLimit()
        retry.attempts = try row.decode("attempts")
        retry.age = Google.Protobuf.Duration(seconds: try row.decode("age_seconds"), nanos: 0)
        message.retry = retry
        message.waiting = try row.decode("pending", as: Int64.self) + row.decode("waiting", as: Int64.self)
        message.deadLetters = try row.decode("dead")
        message.delivered = try row.decode("delivered")
        message.lastDeliveredAt = try row.decode("last_delivered", as: PostgresTimestamp?.self)
            .map(Google.Protobuf.Timestamp.init)
        message.cursor = cursor.description
        message.createdBy = try row.decode("created_by")
        message.createdAt = Google.Protobuf.Timestamp(try row.decode("created"))
        message.updatedAt = Google.Protobuf.Timestamp(try row.decode("updated"))
        message.revision = try row.decode("revision")
        message.reason = try row.decode("reason")
        let closed: PostgresTimestamp? = try row.decode("closed_until")
        switch state {
        case "paused": message.state = .paused
        case "ended": message.state = .ended
        default:
            message.state = closed == nil ? .active : .failing
            if closed != nil { message.reason = try row.decode("failure") }
            if let closed, closed > .now { message.closedUntil = Google.Protobuf.Timestamp(closed) }
        }
    }
}
