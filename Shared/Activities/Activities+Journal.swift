import Journal
import Postgres
import ServiceKit

extension Activities {
    /// Writes the journal's row of a change, with the change.
    /// - Parameter activity: as it is after the change.
    static func record(
        _ activity: Activity, _ action: String, actor: String, reason: String?, from: ActivityState?,
        in transaction: PostgresTransaction
    ) async throws {
        var entry = JournalEntry(
            actor: actor, action: "activity.\(action)", subject: "activities/\(activity.id)",
            workspace: activity.workspace, reason: reason, traceID: activity.traceID)
        entry.before = from.map { PostgresJSON(JSONText.object([("state", JSONText.quoted($0.rawValue))])) }
        var after = [
            ("state", JSONText.quoted(activity.state.rawValue)), ("kind", JSONText.quoted(activity.kind)),
            ("subject", JSONText.quoted(activity.subject)), ("attempt", "\(activity.attempts)"),
        ]
        if let failure = activity.failure { after.append(("error", JSONText.quoted(failure.code))) }
        entry.after = PostgresJSON(JSONText.object(after))
        try await Journal.append(entry, in: transaction)
    }
}
