import CommandLineKit
import Contracts

enum ImageCredential {
    static let registry = Argument("REGISTRY", "its host, with the port where it has one: registry.example.com:5000")
    static let user = Argument("USER", "the user")
    static let fromInput = Flag.switch("password-stdin", "reads the password from the standard input")

    static let set = Command<Session>(
        "set", "Says how a registry is signed in to; what was said before is replaced.",
        details: "The password is asked for and not shown. It is kept encrypted, and nobody gets it back.",
        arguments: [registry, user], flags: [fromInput.specification, Shared.reason.specification],
        examples: [
            .init("slipway image credential set registry.example.com ada", "asks for the password"),
            .init(
                "pass registry | slipway image credential set registry.example.com ada --password-stdin", "in a script"),
        ]
    ) { values, session in
        let credential = try await session.connect().credentials.setCredential(
            .init(
                registry: values[registry], user: values[user], password: try password(values, session),
                reason: values[Shared.reason] ?? ""))
        try session.show(credential) { "" }
        session.done("\(credential.registry) is signed in to as \(credential.user)")
    }

    static let list = Command<Session>(
        "list", "Lists the registries that can be signed in to.",
        examples: [.init("slipway image credential list", "without passwords")]
    ) { _, session in
        let answer = try await session.connect().credentials.listCredentials(.init())
        try session.show(answer) {
            var table = Table([.init("REGISTRY"), .init("USER", shrinksTo: 8), .init("SET"), .init("BY", shrinksTo: 8)])
            for credential in answer.credentials {
                table.add([
                    credential.registry, credential.user, session.relative(credential.setAt), credential.setBy,
                ])
            }
            return session.text(table, whenEmpty: "there is none")
        }
    }

    static let delete = Command<Session>(
        "delete", "Forgets how a registry is signed in to.", arguments: [registry],
        flags: [Shared.reason.specification],
        examples: [.init("slipway image credential delete registry.example.com", "no more pushes there")]
    ) { values, session in
        let answer = try await session.connect().credentials.deleteCredential(
            .init(registry: values[registry], reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("the password for \(values[registry]) is forgotten")
    }

    private static func password(_ values: Values, _ session: Session) throws -> String {
        if values[fromInput] {
            // The line's end is none of it.
            let text = try TextInput.read("-", what: "password")
            let password = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            guard !password.isEmpty else { throw Failure(.usage, "the standard input holds no password") }
            return String(password.hasSuffix("\r") ? password.dropLast() : password)
        }
        guard session.terminal.inputIsTerminal else {
            throw UsageError(
                "the password can't be asked for without a terminal; --password-stdin reads it from the standard input",
                path: "slipway image credential set")
        }
        guard let password = HiddenInput.ask("Password of \(values[user]) at \(values[registry]): ", session.terminal),
            !password.isEmpty
        else { throw Failure(.failed, "no password was given") }
        return password
    }
}
