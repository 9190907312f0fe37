import CommandLineKit

enum ContextList {
    static let command = Command<Session>(
        "list", "Lists the contexts of the configuration.",
        examples: [.init("slipway context list", "all that there are")]
    ) { _, session in
        let file = try ContextFile.read(session.configurationPath)
        let contexts = file.contexts.sorted { $0.key < $1.key }
        let documents = contexts.map { ContextShow.document($0.key, $0.value, isCurrent: $0.key == file.current) }
        session.show(.object([("contexts", .list(documents))])) {
            var table = Table([.init(""), .init("NAME"), .init("SERVER"), .init("WORKSPACE"), .init("TOKEN")])
            for (name, context) in contexts {
                table.add([
                    name == file.current ? "*" : "", name, context.server, context.workspace,
                    context.token.isEmpty ? "no" : "yes",
                ])
            }
            return session.text(table, whenEmpty: "there is none yet; `slipway login` makes one")
        }
    }
}
