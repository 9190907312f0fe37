import CommandLineKit
import ServiceKit

enum Logout {
    static let command = Command<Session>(
        "logout", "Forgets the token of a context.",
        details: "The token itself stays good; `slipway token revoke` ends it.",
        examples: [
            .init("slipway logout", "of the current context"), .init("slipway logout --context prod", "of another"),
        ]
    ) { values, session in
        var file = try ContextFile.read(session.configurationPath)
        let name = values[GlobalFlags.context] ?? file.current
        guard let context = file.contexts[name] else {
            throw Failure(.notFound, name.isEmpty ? "you are not signed in" : "there is no context \"\(name)\"")
        }
        file.contexts[name]?.token = Secret("")
        try file.write(session.configurationPath)
        session.note(context.token.isEmpty ? "\(name) had no token" : "forgot the token for \(context.server)")
    }
}
