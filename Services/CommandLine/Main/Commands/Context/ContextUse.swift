import CommandLineKit

enum ContextUse {
    static let name = Argument("NAME", "which context")

    static let command = Command<Session>(
        "use", "Makes a context the current one.", arguments: [name],
        examples: [.init("slipway context use prod", "from now on prod")]
    ) { values, session in
        var file = try ContextFile.read(session.configurationPath)
        let name = values[name]
        guard file.contexts[name] != nil else {
            let hint = Suggestion.nearest(to: name, among: Array(file.contexts.keys)).map { "; did you mean \($0)?" }
            throw Failure(.notFound, "there is no context \"\(name)\"\(hint ?? "")")
        }
        file.current = name
        try file.write(session.configurationPath)
        session.note("\(name) is used from now on")
    }
}
