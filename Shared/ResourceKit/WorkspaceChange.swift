import Access
import Journal
import Postgres
import ServiceKit

/// Where a change is made, by whom and why.
public struct WorkspaceChange: Sendable {
    public let workspace: Workspace
    /// As `Caller.actor`.
    public let actor: String
    public let reason: String

    public init(_ workspace: Workspace, actor: String, reason: String = "") {
        self.workspace = workspace
        self.actor = actor
        self.reason = reason
    }

    package var workspaceID: PostgresUUID { workspace.databaseID }

    /// The row of the journal.
    /// - Parameters:
    ///   - action: what kind of thing and what happened to it: `model.deleted`.
    ///   - before: JSON, as `after`.
    package func journalEntry(
        _ action: String, _ subject: String, before: String? = nil, after: String? = nil
    ) -> JournalEntry {
        JournalEntry(
            actor: actor, action: action, subject: subject, workspace: workspace.name,
            reason: reason.isEmpty ? nil : reason, before: before.map { PostgresJSON($0) },
            after: after.map { PostgresJSON($0) }, traceID: TraceContext.current.map { "\($0.traceID)" })
    }
}

extension Workspace {
    package var databaseID: PostgresUUID { PostgresUUID(high: id.high, low: id.low) }
}
