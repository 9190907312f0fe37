import CommandLineKit

enum ContextSet {
    static let name = Argument("NAME", "which; the current one where it is left out", isRequired: false)

    static let command = Command<Session>(
        "set", "Changes where a context looks for services, and its workspace.",
        details: """
            For a suite whose services have an address each. An empty address forgets it: the service is looked for \
            behind the one server. The context's token is sent to the addresses too.
            """,
        arguments: [name],
        examples: [
            .init("slipway context set --images-server http://127.0.0.1:7080", "where the image builder is"),
            .init("slipway context set prod --images-server '' --events-server ''", "all behind one server"),
            .init("slipway context set -w growth", "another workspace"),
        ]
    ) { values, session in
        guard values[GlobalFlags.server] == nil else {
            throw UsageError(
                "the server of a context is changed with `slipway login`, for its token's sake", path: path)
        }
        var file = try ContextFile.read(session.configurationPath)
        let name = values[name].isEmpty ? values[GlobalFlags.context] ?? file.current : values[name]
        guard var context = file.contexts[name] else {
            let hint = Suggestion.nearest(to: name, among: Array(file.contexts.keys)).map { "; did you mean \($0)?" }
            throw Failure(
                .notFound, name.isEmpty ? "no context is in use" : "there is no context \"\(name)\"\(hint ?? "")")
        }
        let before = context
        for (service, flag) in GlobalFlags.services {
            guard let text = values[flag] else { continue }
            guard let address = text.isEmpty ? "" : ServerAddress(text)?.description else {
                throw UsageError("--\(service.flag) \"\(text)\": must be \(ServerAddress.wanted)", path: path)
            }
            context.services[service] = address.isEmpty ? nil : address
        }
        if let workspace = values[GlobalFlags.workspace] { context.workspace = workspace }
        file.contexts[name] = context
        try file.write(session.configurationPath)
        session.note(context == before ? "nothing to change" : "\(name) is changed")
    }

    private static let path = "slipway context set"
}
