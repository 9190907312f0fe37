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
                case "$path $before" in
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

    /// What may follow a flag that takes a value.
    private static func valueCases(_ nodes: [Node], indent: String) -> String {
        var text = ""
        for (pattern, flag) in valueFlags(nodes) {
            let offer =
                switch flag.completion {
                case .nothing: "COMPREPLY=()"
                case .files: "COMPREPLY=($(compgen -f -- \"$word\"))"
                case .folders: "COMPREPLY=($(compgen -d -- \"$word\"))"
                case .words(let words):
                    "COMPREPLY=($(compgen -W \(quoted(words.joined(separator: " "))) -- \"$word\"))"
                }
            text += "\(indent)\(pattern)) \(offer); return ;;\n"
        }
        return text
    }
}
