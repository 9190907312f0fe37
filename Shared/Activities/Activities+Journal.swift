import Journal
import Postgres

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
        entry.before = from.map { JSONText.object([("state", JSONText.quoted($0.rawValue))]) }
        var after = [
            ("state", JSONText.quoted(activity.state.rawValue)), ("kind", JSONText.quoted(activity.kind)),
            ("subject", JSONText.quoted(activity.subject)), ("attempt", "\(activity.attempts)"),
        ]
        if let failure = activity.failure { after.append(("error", JSONText.quoted(failure.code))) }
        entry.after = JSONText.object(after)
        try await Journal.append(entry, in: transaction)
    }
}

/// The little JSON that is written here.
enum JSONText {
    static func object(_ members: [(name: String, value: String)]) -> PostgresJSON {
        PostgresJSON("{" + members.map { "\(quoted($0.name)):\($0.value)" }.joined(separator: ",") + "}")
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"", "\\":
                result += "\\"
                result.unicodeScalars.append(character)
            case _ where character.value < 0x20:
                let digits = String(character.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }
}
