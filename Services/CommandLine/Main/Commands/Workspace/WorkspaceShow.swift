import CommandLineKit
import Contracts

enum WorkspaceShow {
    static let name = Argument("NAME", "which; the one in use where it is left out", isRequired: false)

    static let command = Command<Session>(
        "show", "Shows a workspace.", arguments: [name],
        examples: [
            .init("slipway workspace show", "the one in use"), .init("slipway workspace show growth", "another"),
        ]
    ) { values, session in
        let metadata = values[name].isEmpty ? [:] : Workspaces.metadata(values[name])
        let workspace = try await session.connect().workspaces.get(.init(), metadata: metadata)
        try session.show(workspace) {
            var facts = Facts()
            facts.add("name", workspace.name)
            facts.add("id", workspace.id)
            facts.add("made", session.exact(workspace.createdAt))
            facts.add("archived", session.exact(workspace.archivedAt))
            return session.text(facts)
        }
    }
}
