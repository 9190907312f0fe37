import Journal
import Postgres

/// A subscription as the relay works on it.
struct SubscriptionOrder: Sendable {
    var id: Int64
    var shard: Int
    var workspace: String
    var name: String
    var filter: any EventFiltering
    var destination: DestinationSpecification
    var isOrdered: Bool
    var concurrency: Int
    /// Most events in one request.
    var batch: Int
    var limit: DeliveryLimit
    var ratePerMinute: Int
    var isActive: Bool
    /// Tells one state of its settings from another.
    var revision: Int64
    var epoch: Int64
    var cursor: JournalCursor
    /// Events after the cursor that have rows of their own: they failed before, or were given up.
    var known: Set<JournalCursor>
    /// Subjects that wait for one of theirs.
    var blocked: Set<String>
    /// Whether rows wait.
    var hasRows: Bool
    /// What kept the last owner away from the receiver.
    var closedUntil: PostgresTimestamp?
}

/// Rows that belong together with a cursor, written with it or not at all.
struct RelayOutbox: Sendable {
    struct Waiting: Sendable {
        var item: DeliveryItem
        var due: PostgresTimestamp
        var outcome: String
    }
    struct Dead: Sendable {
        var item: DeliveryItem
        var reason: String
        var outcome: String
        var lastAttempt: PostgresTimestamp?
    }
    struct Logged: Sendable {
        var attempt: DeliveryAttempt
        var events: String
        var at: PostgresTimestamp
        var outcome: DeliveryOutcome
        var next: PostgresTimestamp?
    }
    var waiting: [JournalCursor: Waiting] = [:]
    /// Rows that are done with.
    var gone: Set<JournalCursor> = []
    var dead: [Dead] = []
    var log: [Logged] = []
    var delivered: Int64 = 0
    var lastDelivered: PostgresTimestamp?
    /// What the receiver answered that ended the subscription.
    var ended: String?
    /// The circuit changed: until when it is open, and why.
    var circuit: (closedUntil: PostgresTimestamp?, failure: String)?

    /// What should not wait for the next round of cursors.
    var isUrgent: Bool {
        !waiting.isEmpty || !gone.isEmpty || !dead.isEmpty || !log.isEmpty || ended != nil || circuit != nil
    }
    /// What a crash of the database must not take back once it was written.
    var hasRows: Bool { !waiting.isEmpty || !gone.isEmpty || !dead.isEmpty || ended != nil || circuit != nil }
    var rows: Int { waiting.count + gone.count + dead.count + log.count }

    /// What came since goes over what could not be written.
    mutating func merge(older: RelayOutbox) {
        let newer = self
        self = older
        waiting.merge(newer.waiting) { _, new in new }
        gone.formUnion(newer.gone)
        for place in newer.gone { waiting[place] = nil }
        dead += newer.dead
        log += newer.log
        delivered += newer.delivered
        lastDelivered = newer.lastDelivered ?? lastDelivered
        ended = newer.ended ?? ended
        circuit = newer.circuit ?? circuit
    }
}

/// What one subscription has to write.
struct RelayReport: Sendable {
    var id: Int64
    var epoch: Int64
    var cursor: JournalCursor
    var pending: Int64
    var outbox: RelayOutbox
    /// To say who ended it.
    var workspace: String
    var name: String
    var keepsOrder: Bool
    /// Subjects of which a row went: does another wait?
    var subjects: [String]
}
