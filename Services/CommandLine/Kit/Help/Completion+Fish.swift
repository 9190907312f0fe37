extension Completion {
    static func fish(_ program: String, _ nodes: [Node]) -> String {
        let steps = nodes.flatMap { node in node.subcommands.map { (node.path + [$0.name]).joined(separator: " ") } }
        var text = """
            # Completion of \(program) for fish: \(program) completion fish | source
            function __\(program)_at
                set -l known \(steps.map(quoted).joined(separator: " "))
                set -l path ''
                for word in (commandline -opc)[2..]
                    set -l next (string trim "$path $word")
                    contains -- "$next" $known; and set path $next
                end
                test "$path" = "$argv[1]"
            end
            complete -c \(program) -f

            """
        for node in nodes {
            let here = quoted("__\(program)_at \(quoted(node.key).replacingQuotes)")
            for command in node.subcommands {
                text += "complete -c \(program) -n \(here) -a \(command.name) -d \(quoted(command.summary))\n"
            }
            if node.argumentCompletion == .files { text += "complete -c \(program) -n \(here) -F\n" }
            for flag in node.flags {
                var line = "complete -c \(program) -n \(here) -l \(flag.name)"
                if let short = flag.short { line += " -s \(short)" }
                switch flag.completion {
                case .nothing: if flag.placeholder != nil { line += " -x" }
                case .files: line += " -r -F"
                case .folders: line += " -x -a '(__fish_complete_directories)'"
                case .words(let words): line += " -x -a \(quoted(words.joined(separator: " ")))"
                }
                text += line + " -d \(quoted(flag.help))\n"
            }
        }
        return text
    }
}

extension String {
    /// Double quotes in place of single ones, for a quoted text within a quoted text.
    fileprivate var replacingQuotes: String { String(map { $0 == "'" ? "\"" : $0 }) }
}
