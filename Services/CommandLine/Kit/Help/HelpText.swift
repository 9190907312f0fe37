/// The text of `--help`.
public enum HelpText {
    /// - Parameters:
    ///   - root: has the flags of every command.
    ///   - width: of the terminal.
    public static func of<Context>(
        _ command: Command<Context>, path: String, root: Command<Context>, width: Int = 100
    ) -> String {
        let width = min(max(width, 40), 120)
        let isRoot = path == root.name
        var sections = [command.summary]
        if !command.details.isEmpty { sections.append(paragraphs(command.details, width: width)) }
        sections.append("Usage:\n  " + usage(command, path: path))
        if !command.subcommands.isEmpty {
            sections.append(
                "Commands:\n" + list(command.subcommands.map { ($0.name, $0.summary) }, width: width))
        }
        if !command.arguments.isEmpty {
            sections.append("Arguments:\n" + list(command.arguments.map { ($0.name, $0.help) }, width: width))
        }
        if !isRoot, !command.flags.isEmpty {
            sections.append("Flags:\n" + list(command.flags.map { entry($0) }, width: width))
        }
        // A command's own letter counts before that of a flag of every command.
        let taken = isRoot ? [] : command.flags.compactMap(\.short)
        let everywhere =
            root.flags.map { entry($0, hidesShort: $0.short.map(taken.contains) == true) }
            + [("-h, --help", "this text")]
        sections.append((isRoot ? "Flags:\n" : "Flags of every command:\n") + list(everywhere, width: width))
        if !command.examples.isEmpty {
            sections.append(
                "Examples:\n"
                    + command.examples.map { "  # \($0.meaning)\n  \($0.line)" }.joined(separator: "\n"))
        }
        if isRoot {
            sections.append(
                "Exit codes:\n" + list(ExitCode.allCases.map { ("\($0.rawValue)", $0.meaning) }, width: width))
        }
        return sections.joined(separator: "\n\n") + "\n"
    }

    static func usage<Context>(_ command: Command<Context>, path: String) -> String {
        var parts = [path]
        if !command.subcommands.isEmpty { parts.append("COMMAND") }
        parts += command.arguments.map(\.usage)
        parts += command.flags.filter(\.isRequired).map { "--\($0.name) \($0.placeholder ?? "")" }
        parts.append("[FLAGS]")
        return parts.joined(separator: " ")
    }

    private static func entry(_ flag: FlagSpecification, hidesShort: Bool = false) -> (String, String) {
        let short = hidesShort ? "" : flag.short.map { "-\($0), " } ?? ""
        let value = flag.placeholder.map { " \($0)" } ?? ""
        var notes: [String] = []
        if flag.isRequired { notes.append("must be given") }
        if flag.repeats { notes.append("can be repeated") }
        let note = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
        return ("\(short)--\(flag.name)\(value)", flag.help + note)
    }

    /// Names on the left, what they mean on the right, folded.
    private static func list(_ entries: [(name: String, help: String)], width: Int) -> String {
        let column = min(entries.map(\.name.count).max() ?? 0, 26) + 4
        return entries.map { entry in
            let lines = fold(entry.help, width: width - column)
            let indent = String(repeating: " ", count: column)
            var head = "  " + entry.name
            if head.count > column - 2 {
                head += "\n" + indent
            } else {
                head += String(repeating: " ", count: column - head.count)
            }
            return head + lines.joined(separator: "\n" + indent)
        }.joined(separator: "\n")
    }

    private static func paragraphs(_ text: String, width: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(" ") ? String(line) : fold(String(line), width: width).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    static func fold(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > max(width, 20) {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
