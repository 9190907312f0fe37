extension Completion {
    static func zsh(_ program: String, _ nodes: [Node]) -> String {
        let steps = nodes.flatMap { node in node.subcommands.map { (node.path + [$0.name]).joined(separator: " ") } }
        var cases = ""
        for node in nodes {
            cases += "        \(quoted(node.key)))\n"
            if !node.subcommands.isEmpty {
                let names = node.subcommands.map { quoted("\($0.name):\(escaped($0.summary))") }
                cases += "            names=(\(names.joined(separator: " ")))\n"
            }
            let flags = node.flags.map { quoted("--\($0.name):\(escaped($0.help))") }
            cases += "            flags=(\(flags.joined(separator: " ")))\n"
            if node.argumentCompletion == .files { cases += "            files=yes\n" }
            cases += "            ;;\n"
        }
        var values = ""
        for (pattern, flag) in valueFlags(nodes) {
            let offer =
                switch flag.completion {
                case .nothing: "_message \(quoted(flag.placeholder ?? ""))"
                case .files: "_files"
                case .folders: "_files -/"
                case .words(let words): "compadd -- \(words.joined(separator: " "))"
                }
            values += "        \(pattern)) \(offer); return ;;\n"
        }
        return """
            #compdef \(program)
            # Completion of \(program) for zsh: eval "$(\(program) completion zsh)"
            _\(program)() {
                local path_='' next files=''
                local -a names flags
                local commands=\(quoted("|" + steps.joined(separator: "|") + "|"))
                for next in "${words[@]:1:$((CURRENT - 2))}"; do
                    [[ "$commands" == *"|${path_:+$path_ }$next|"* ]] && path_="${path_:+$path_ }$next"
                done
                case "$path_ ${words[CURRENT-1]}" in
            \(values)    esac
                case "$path_" in
            \(cases)    esac
                if [[ "${words[CURRENT]}" == -* ]]; then
                    _describe flag flags
                else
                    (( ${#names} )) && _describe command names
                    [[ -n "$files" ]] && _files
                fi
            }
            compdef _\(program) \(program)

            """
    }

    /// A colon ends the name in what zsh is told.
    private static func escaped(_ text: String) -> String {
        text.split(separator: ":", omittingEmptySubsequences: false).joined(separator: "\\:")
    }
}
