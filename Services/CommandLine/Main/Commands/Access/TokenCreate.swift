import CommandLineKit
import Contracts
import Protobuf

enum TokenCreate {
    static let name = Argument("NAME", "what it is for: nightly training")
    static let principal = Flag.text("principal", "NAME", "whose it is to be (yours); another's is for administrators")
    static let lifetime = Flag.duration("lifetime", "how long it is good, such as 90d (for ever)")
    static let only = Flag.text("only-workspace", "NAME", "the only workspace that it is good for")
    static let ceiling = Flag.choice("ceiling", Shared.roles, "the most that it may do")

    static let command = Command<Session>(
        "create", "Makes a token, and shows it this once.", arguments: [name],
        flags: [principal.specification, lifetime.specification, only.specification, ceiling.specification],
        examples: [
            .init("slipway token create laptop --lifetime 90d", "one for yourself"),
            .init(
                "slipway token create training --principal ci --only-workspace growth --ceiling contributor",
                "one for a pipeline, and for nothing else"),
        ]
    ) { values, session in
        var request = Slipway.Tokens.V1.CreateTokenRequest(
            principal: values[principal] ?? "", name: values[name], workspace: values[only] ?? "",
            ceiling: Shared.role(values[ceiling]))
        request.lifetime = values[lifetime].map { Google.Protobuf.Duration($0) }
        let answer = try await session.connect().tokens.create(request)
        try session.show(answer) { "\(answer.secret)\n" }
        session.done("keep it: it is never shown again. Its id is \(answer.token?.id ?? "")")
    }
}
