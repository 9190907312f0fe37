import CommandLineKit
import Contracts

enum WhoAmI {
    static let command = Command<Session>(
        "whoami", "Says as whom you are signed in, and where.",
        examples: [.init("slipway whoami", "who am I?"), .init("slipway whoami -o json", "for a program")]
    ) { _, session in
        let connection = try session.connect()
        let who = try await connection.principals.whoAmI(.init())
        try session.show(who) {
            var facts = Facts()
            facts.add("principal", who.principal)
            facts.add("administrator", who.administrator ? "yes" : "")
            facts.add("token", who.tokenId)
            facts.add("server", connection.target.server.description)
            facts.add("workspace", connection.target.workspace ?? "")
            facts.add("context", connection.target.context ?? "")
            return session.text(facts)
        }
    }
}
