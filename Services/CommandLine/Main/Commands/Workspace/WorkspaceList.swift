import CommandLineKit
import Contracts

enum WorkspaceList {
    static let command = Command<Session>(
        "list", "Lists the workspaces that you are a member of.",
        examples: [.init("slipway workspace list", "yours; all where you are an administrator")]
    ) { _, session in
        let answer = try await session.connect().workspaces.list(.init())
        try session.show(answer) {
            var table = Table([.init("NAME"), .init("MADE"), .init("ARCHIVED")])
            for workspace in answer.workspaces {
                table.add([
                    workspace.name, session.relative(workspace.createdAt), session.relative(workspace.archivedAt),
                ])
            }
            return session.text(table, whenEmpty: "you are a member of none")
        }
    }
}
