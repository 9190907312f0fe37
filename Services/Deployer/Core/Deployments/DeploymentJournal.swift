package import Access
package import Journal
internal import Postgres
package import ResourceKit
internal import RPC
internal import ServiceKit

/// Rows of the journal on deployments. What is after the change says for people, as `message`, what happened; a
/// deployment's history is made of it.
package enum DeploymentJournal {
    /// Of what the service does by itself.
    package static let service = "services/deployer"

    package static func subject(_ name: String) -> String { "deployments/\(name)" }

    /// - Parameters:
    ///   - action: whole, as `rollout.rolled-back`.
    ///   - members: JSON by name, besides the message.
    package static func entry(
        _ action: String, of name: String, by change: WorkspaceChange, message: String,
        members: [(String, String)] = [], before: [(String, String)]? = nil
    ) -> JournalEntry {
        change.journalEntry(
            action, subject(name), before: before.map(RowJSON.members),
            after: RowJSON.members([("message", RowJSON.text(message))] + members))
    }

    /// A row on what the service did by itself.
    package static func own(
        _ action: String, of name: String, in workspace: Workspace, message: String, members: [(String, String)] = []
    ) -> JournalEntry {
        entry(action, of: name, by: WorkspaceChange(workspace, actor: service), message: message, members: members)
    }
}

/// Where a change of deployments is made, by whom and why, and in whose name other services are asked for what follows.
package struct DeploymentChange: Sendable {
    package let change: WorkspaceChange
    package let principal: EntityID

    package init(_ change: WorkspaceChange, principal: EntityID) {
        self.change = change
        self.principal = principal
    }

    var workspace: Workspace { change.workspace }
    var workspaceID: PostgresUUID { change.workspaceID }
    var actor: String { change.actor }
    var reason: String { change.reason }
    var acting: Acting { Acting(workspace, principal: principal) }

    /// The statement that appends a row of the journal.
    func journal(
        _ action: String, _ name: String, _ message: String, _ members: [(String, String)] = [],
        before: [(String, String)]? = nil
    ) -> PostgresQuery {
        Journal.insertion(
            DeploymentJournal.entry(
                "deployment.\(action)", of: name, by: change, message: message, members: members, before: before),
            from: "(VALUES (1)) AS once")
    }
}

extension ServerContext {
    /// - Throws: `internal` where the method was reached around the access interceptor.
    func deploymentChange(_ reason: String) throws(RPCError) -> DeploymentChange {
        guard let principal = caller.principal else {
            throw RPCError(.internal, "the call reached its method without a caller")
        }
        return DeploymentChange(try change(reason), principal: principal.id)
    }
}
