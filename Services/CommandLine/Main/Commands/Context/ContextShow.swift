import CommandLineKit

enum ContextShow {
    static let name = Argument("NAME", "which; the current one where it is left out", isRequired: false)

    static let command = Command<Session>(
        "show", "Shows a context, without its token.", arguments: [name],
        examples: [.init("slipway context show", "the current one"), .init("slipway context show prod", "another")]
    ) { values, session in
        let file = try ContextFile.read(session.configurationPath)
        let name = values[name].isEmpty ? file.current : values[name]
        guard let context = file.contexts[name] else {
            throw Failure(.notFound, name.isEmpty ? "no context is in use" : "there is no context \"\(name)\"")
        }
        session.show(document(name, context, isCurrent: name == file.current)) {
            var facts = Facts()
            facts.add("name", name)
            facts.add("server", context.server)
            for service in SuiteService.allCases {
                facts.add("\(service.rawValue) server", context.services[service] ?? "")
            }
            facts.add("workspace", context.workspace)
            facts.add("ca file", context.authorities)
            facts.add("token", context.token.isEmpty ? "no" : "yes")
            facts.add("current", name == file.current ? "yes" : "no")
            return session.text(facts)
        }
    }

    static func document(_ name: String, _ context: SavedContext, isCurrent: Bool) -> Document {
        let services = context.services.sorted { $0.key.rawValue < $1.key.rawValue }
        return .object([
            ("name", .string(name)), ("server", .string(context.server)),
            ("services", .object(services.map { (key: $0.key.rawValue, value: .string($0.value)) })),
            ("workspace", .string(context.workspace)),
            ("caFile", .string(context.authorities)), ("hasToken", .boolean(!context.token.isEmpty)),
            ("current", .boolean(isCurrent)),
        ])
    }
}
