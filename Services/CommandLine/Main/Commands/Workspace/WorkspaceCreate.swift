import CommandLineKit
import Contracts

enum WorkspaceCreate {
    static let name = Argument("NAME", "1 to 63 characters of a–z, 0–9 and -")

    static let command = Command<Session>(
        "create", "Makes a workspace, of which you are the first owner.", arguments: [name],
        examples: [.init("slipway workspace create growth", "a workspace for a team")]
    ) { values, session in
        let workspace = try await session.connect().workspaces.create(.init(name: values[name]))
        try session.show(workspace) { "\(workspace.name)\n" }
    }
}
