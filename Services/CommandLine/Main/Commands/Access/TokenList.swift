import CommandLineKit
import Contracts

enum TokenList {
    static let principal = Flag.text("principal", "NAME", "whose (yours); another's are for administrators")

    static let command = Command<Session>(
        "list", "Lists tokens, the newest first.", flags: [principal.specification],
        examples: [
            .init("slipway token list", "yours"), .init("slipway token list --principal service:ci", "a pipeline's"),
        ]
    ) { values, session in
        let answer = try await session.connect().tokens.list(.init(principal: values[principal] ?? ""))
        try session.show(answer) {
            var table = Table([
                .init("ID"), .init("NAME", shrinksTo: 8), .init("WORKSPACE", shrinksTo: 8), .init("CEILING"),
                .init("MADE"), .init("USED"), .init("ENDS"),
            ])
            for token in answer.tokens {
                let ends = token.revokedAt != nil ? "revoked" : session.relative(token.expiresAt)
                table.add([
                    token.id, token.name, token.workspace, Shared.name(of: token.ceiling),
                    session.relative(token.createdAt), session.relative(token.lastUsedAt), ends,
                ])
            }
            return session.text(table, whenEmpty: "there is none")
        }
    }
}
