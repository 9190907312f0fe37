extension Completion {
    /// Finds the command by the words that name one, and offers what can follow it.
    static func bash(_ program: String, _ nodes: [Node]) -> String {
        let commands = nodes.flatMap { node in node.subcommands.map { node.path + [$0.name] } }
        let steps = commands.map { "\($0.joined(separator: " "))" }
        var cases = ""
        for node in nodes {
            let flags = node.flags.map { "--\($0.name)" }.joined(separator: " ")
            let names = node.subcommands.map(\.name).joined(separator: " ")
            cases += "        \(quoted(node.key))) flags=\(quoted(flags)) names=\(quoted(names))"
            if node.argumentCompletion == .files { cases += " files=yes" }
            cases += " ;;\n"
        }
        return """
            # Completion of \(program) for bash: eval "$(\(program) completion bash)"
            _\(program)() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path='' flags='' names='' files='' next
                local commands=\(quoted("|" + steps.joined(separator: "|") + "|"))
                for next in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                    case "$commands" in *"|${path:+$path }$next|"*) path="${path:+$path }$next" ;; esac
                done
                case "$before" in
            \(valueCases(nodes, indent: "        "))    esac
                case "$path" in
            \(cases)    esac
                case "$word" in
                    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
                    *)
                        COMPREPLY=($(compgen -W "$names" -- "$word"))
                        if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$word")); fi
                        ;;
                esac
            }
            complete -o filenames -F _\(program) \(program)

            """
    }

    /// What may follow a flag that takes a value, the same wherever the flag is.
    private static func valueCases(_ nodes: [Node], indent: String) -> String {
        var seen: Set<String> = []
        var text = ""
        for flag in nodes.flatMap(\.flags) where flag.placeholder != nil && seen.insert(flag.name).inserted {
            let names = (flag.short.map { "-\($0)|" } ?? "") + "--\(flag.name)"
            let offer =
                switch flag.completion {
                case .nothing: "COMPREPLY=()"
                case .files: "COMPREPLY=($(compgen -f -- \"$word\"))"
                case .folders: "COMPREPLY=($(compgen -d -- \"$word\"))"
                case .words(let words):
                    "COMPREPLY=($(compgen -W \(quoted(words.joined(separator: " "))) -- \"$word\"))"
                }
            text += "\(indent)\(names)) \(offer); return ;;\n"
        }
        return text
    }
}
