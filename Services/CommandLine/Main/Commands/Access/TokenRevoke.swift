import CommandLineKit
import Contracts

enum TokenRevoke {
    static let id = Argument("ID", "the token's id, as `slipway token list` shows it")

    static let command = Command<Session>(
        "revoke", "Ends a token at once, everywhere.", arguments: [id], flags: [Shared.reason.specification],
        examples: [.init("slipway token revoke 7hT2kQ --reason 'laptop lost'", "it is good for nothing any more")]
    ) { values, session in
        let request = Slipway.Tokens.V1.RevokeTokenRequest(id: values[id], reason: values[Shared.reason] ?? "")
        let token = try await session.connect().tokens.revoke(request)
        try session.show(token) { "" }
        session.done("\(token.name) is revoked")
    }
}
