import CommandLineKit
import Contracts
import Glibc
import ServiceKit

enum Login {
    static let command = Command<Session>(
        "login", "Signs in, and remembers where and as whom.",
        details: """
            The token is asked for, or read from --token-file. It is checked before it is kept, in a file that only you \
            may read.
            """,
        examples: [
            .init("slipway login --server https://models.example.com", "asks for the token"),
            .init("slipway login --token-file first-token", "with the token of a fresh registry"),
            .init(
                "slipway login --server http://h:7070 --images-server http://h:7080 --events-server http://h:7090",
                "a suite whose services have an address each"),
            .init("pass slipway | slipway login --context prod --token-file -", "from a password manager"),
        ]
    ) { values, session in
        var target = try Login.target(values, session)
        if values[GlobalFlags.tokenFile] == nil { target.token = try Login.ask(session, target.server) }
        let who = try await Connection(target).principals.whoAmI(.init())

        var file = try ContextFile.read(session.configurationPath)
        let name = target.context ?? "default"
        file.current = name
        file.contexts[name] = SavedContext(
            server: target.server.description, token: target.token ?? Secret(""), workspace: target.workspace ?? "",
            authorities: try target.authorities.map(RealPath.of) ?? "",
            services: target.services.mapValues(\.server.description))
        try file.write(session.configurationPath)
        try session.show(who) { "signed in to \(target.server) as \(who.principal), context \(name)\n" }
    }

    /// Where to sign in: to a context that need not be there yet.
    private static func target(_ values: Values, _ session: Session) throws -> Target {
        let file = try ContextFile.read(session.configurationPath)
        guard let name = values[GlobalFlags.context], file.contexts[name] == nil else {
            return try Target.resolve(values, session.environment, file)
        }
        guard ContextFile.isName(name) else {
            throw UsageError("--context \"\(name)\": must be \(ContextFile.nameWanted)", path: "slipway login")
        }
        // Nothing of the current one is taken over.
        var fresh = file
        fresh.contexts[name] = SavedContext()
        return try Target.resolve(values, session.environment, fresh)
    }

    private static func ask(_ session: Session, _ server: ServerAddress) throws -> Secret {
        if let token = session.environment["SLIPWAY_TOKEN"], !token.isEmpty {
            return try TokenInput.check(token, from: "SLIPWAY_TOKEN")
        }
        guard session.terminal.inputIsTerminal else {
            throw UsageError(
                "the token can't be asked for without a terminal; --token-file - reads it from the standard input",
                path: "slipway login")
        }
        guard let token = HiddenInput.ask("Token for \(server): ", session.terminal) else {
            throw Failure(.failed, "no token was given")
        }
        return try TokenInput.check(token, from: "what was typed")
    }
}
