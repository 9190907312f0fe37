import Access
import Journal
import Postgres
import ServiceKit

/// Who changes something and why, for the journal.
public struct IdentityChange: Sendable {
    public var actor: String
    public var reason: String?

    /// - Parameter actor: as `Caller.actor`, or `system:` and a part of the suite.
    public init(actor: String, reason: String? = nil) {
        self.actor = actor
        self.reason = reason
    }

    public init(_ caller: Caller, reason: String? = nil) { self.init(actor: caller.actor, reason: reason) }

    /// The row that goes with a change, in its transaction. Its trace is the one under way.
    func record(
        _ action: String, _ subject: String, workspace: String? = nil, before: [(String, String?)]? = nil,
        after: [(String, String?)]? = nil, in transaction: PostgresTransaction
    ) async throws {
        try await Journal.append(
            JournalEntry(
                actor: actor, action: "identity.\(action)", subject: subject, workspace: workspace, reason: reason,
                before: before.map(IdentityChange.json), after: after.map(IdentityChange.json),
                traceID: TraceContext.current.map { "\($0.traceID)" }), in: transaction)
    }

    private static func json(_ members: [(String, String?)]) -> PostgresJSON {
        PostgresJSON(JSONText.object(members.map { ($0, $1.map(JSONText.quoted) ?? "null") }))
    }
}

extension PostgresUUID {
    public init(_ id: EntityID) { self.init(high: id.high, low: id.low) }
}

extension EntityID {
    public init(_ uuid: PostgresUUID) { self.init(high: uuid.high, low: uuid.low) }
}
