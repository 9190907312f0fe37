import Postgres

/// One change: who did what to what, where and why, and what it looked like before and after.
public struct JournalEntry: Hashable, Sendable {
    public var actor: String
    public var action: String
    public var subject: String
    public var workspace: String?
    public var reason: String?
    public var before: PostgresJSON?
    public var after: PostgresJSON?
    public var traceID: String?

    public init(
        actor: String, action: String, subject: String, workspace: String? = nil, reason: String? = nil,
        before: PostgresJSON? = nil, after: PostgresJSON? = nil, traceID: String? = nil
    ) {
        self.actor = actor
        self.action = action
        self.subject = subject
        self.workspace = workspace
        self.reason = reason
        self.before = before
        self.after = after
        self.traceID = traceID
    }
}

/// A place in the journal's one order, which never changes behind a reader: by transaction, then by number.
public struct JournalCursor: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let transaction: UInt64
    public let id: Int64

    public static let start = JournalCursor(transaction: 0, id: 0)

    public init(transaction: UInt64, id: Int64) {
        self.transaction = transaction
        self.id = id
    }

    /// What `description` printed; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let transaction = UInt64(parts[0]), let id = Int64(parts[1]) else { return nil }
        self.init(transaction: transaction, id: id)
    }

    public var description: String { "\(transaction)/\(id)" }

    public static func < (left: JournalCursor, right: JournalCursor) -> Bool {
        (left.transaction, left.id) < (right.transaction, right.id)
    }
}

/// An entry as the journal holds it.
public struct JournalRecord: Hashable, Sendable, PostgresRowDecodable {
    /// Read on from here for what comes after.
    public let cursor: JournalCursor
    public let time: PostgresTimestamp
    public let entry: JournalEntry

    public init(row: PostgresRow) throws {
        let transaction: Int64 = try row.decode("transaction")
        cursor = JournalCursor(transaction: UInt64(bitPattern: transaction), id: try row.decode("id"))
        time = try row.decode("at")
        entry = JournalEntry(
            actor: try row.decode("actor"), action: try row.decode("action"), subject: try row.decode("subject"),
            workspace: try row.decode("workspace"), reason: try row.decode("reason"), before: try row.decode("before"),
            after: try row.decode("after"), traceID: try row.decode("trace"))
    }
}
