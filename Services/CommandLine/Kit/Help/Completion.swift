/// Scripts that teach a shell to complete commands, flags and their values.
public enum Completion: String, CaseIterable, Sendable {
    case bash, zsh, fish

    public func script<Context>(for root: Command<Context>) -> String {
        var nodes: [Node] = []
        Completion.collect(root, path: [], root: root, into: &nodes)
        return switch self {
        case .bash: Completion.bash(root.name, nodes)
        case .zsh: Completion.zsh(root.name, nodes)
        case .fish: Completion.fish(root.name, nodes)
        }
    }

    /// A command with all that can follow it.
    struct Node {
        /// Without the program's name.
        let path: [String]
        let subcommands: [(name: String, summary: String)]
        let arguments: [Argument]
        let flags: [FlagSpecification]

        var key: String { path.joined(separator: " ") }
        /// What an argument may be.
        var argumentCompletion: FlagSpecification.Completion { arguments.first?.completion ?? .nothing }
    }

    private static func collect<Context>(
        _ command: Command<Context>, path: [String], root: Command<Context>, into nodes: inout [Node]
    ) {
        let help = FlagSpecification("help", short: "h", placeholder: nil, help: "tells what there is")
        nodes.append(
            Node(
                path: path, subcommands: command.subcommands.map { ($0.name, $0.summary) },
                arguments: command.arguments, flags: (path.isEmpty ? [] : command.flags) + root.flags + [help]))
        for next in command.subcommands { collect(next, path: path + [next.name], root: root, into: &nodes) }
    }

    /// A text that the shells take as it is.
    static func quoted(_ text: String) -> String { ShellText.enclosed(text) }

    /// The flags that take a value, with a shell's pattern for the command and the flag behind a blank. Those of a command
    /// come before those of every command, whose letters they may have.
    static func valueFlags(_ nodes: [Node]) -> [(pattern: String, flag: FlagSpecification)] {
        let everywhere = nodes.first?.flags ?? []
        func pattern(_ flag: FlagSpecification, _ place: (String) -> String) -> String {
            ((flag.short.map { [place("-\($0)")] } ?? []) + [place("--\(flag.name)")]).joined(separator: "|")
        }
        let own = nodes.dropFirst().flatMap { node in
            node.flags.filter { flag in flag.placeholder != nil && !everywhere.contains { $0.name == flag.name } }
                .map { flag in (pattern(flag) { quoted("\(node.key) \($0)") }, flag) }
        }
        return own
            + everywhere.filter { $0.placeholder != nil }.map { flag in (pattern(flag) { "*" + quoted(" \($0)") }, flag)
            }
    }
}
