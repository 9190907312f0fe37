import CommandLineKit
import Contracts
import RPC

enum WorkspaceArchive {
    static let name = Argument("NAME", "which workspace")

    static let archive = Command<Session>(
        "archive", "Archives a workspace: what is in it can be read and not changed.", arguments: [name],
        flags: [Shared.reason.specification],
        examples: [.init("slipway workspace archive growth --reason 'moved to core'", "nothing changes there any more")]
    ) { values, session in try await set(true, values, session) }

    static let restore = Command<Session>(
        "restore", "Takes an archived workspace back.", arguments: [name], flags: [Shared.reason.specification],
        examples: [.init("slipway workspace restore growth", "it can be changed again")]
    ) { values, session in try await set(false, values, session) }

    private static func set(_ archived: Bool, _ values: Values, _ session: Session) async throws {
        let request = Slipway.Workspaces.V1.SetArchivedRequest(
            name: values[name], archived: archived, reason: values[Shared.reason] ?? "")
        let workspace = try await session.connect().workspaces.setArchived(request)
        try session.show(workspace) { "" }
        session.done("\(workspace.name) is \(archived ? "archived" : "taken back")")
    }
}

/// How calls name their workspace.
enum Workspaces {
    static func metadata(_ name: String) -> Metadata { ["slipway-workspace": name] }
}
