import CommandLineKit
import Protobuf

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
        try session.show(message(name, context, isCurrent: name == file.current)) {
            var facts = Facts()
            facts.add("name", name)
            facts.add("server", context.server)
            facts.add("workspace", context.workspace)
            facts.add("ca file", context.authorities)
            facts.add("token", context.token.isEmpty ? "no" : "yes")
            facts.add("current", name == file.current ? "yes" : "no")
            return session.text(facts)
        }
    }

    static func message(_ name: String, _ context: SavedContext, isCurrent: Bool) -> Google.Protobuf.Struct {
        var message = Google.Protobuf.Struct()
        for (key, text) in [
            ("name", name), ("server", context.server), ("workspace", context.workspace),
            ("ca_file", context.authorities),
        ] {
            message.fields[key] = Google.Protobuf.Value(kind: .stringValue(text))
        }
        message.fields["has_token"] = Google.Protobuf.Value(kind: .boolValue(!context.token.isEmpty))
        message.fields["current"] = Google.Protobuf.Value(kind: .boolValue(isCurrent))
        return message
    }
}

extension Google.Protobuf.Struct {
    /// A list of objects under one name.
    static func of(_ name: String, _ messages: [Google.Protobuf.Struct]) -> Google.Protobuf.Struct {
        var list = Google.Protobuf.ListValue()
        list.values = messages.map { Google.Protobuf.Value(kind: .structValue($0)) }
        var result = Google.Protobuf.Struct()
        result.fields[name] = Google.Protobuf.Value(kind: .listValue(list))
        return result
    }
}
