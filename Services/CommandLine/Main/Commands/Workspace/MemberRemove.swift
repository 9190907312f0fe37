import CommandLineKit
import Contracts

enum MemberRemove {
    static let principal = Argument("PRINCIPAL", "who: ada, service:ci")

    static let command = Command<Session>(
        "remove", "Takes a principal out of a workspace.", arguments: [principal], flags: [Shared.reason.specification],
        examples: [.init("slipway member remove ada --workspace growth", "ada has no business there any more")]
    ) { values, session in
        let request = Slipway.Workspaces.V1.SetMemberRequest(
            principal: values[principal], role: .unspecified, reason: values[Shared.reason] ?? "")
        let member = try await session.connect().workspaces.setMember(request)
        try session.show(member) { "" }
        session.done("\(member.principal) is no member any more")
    }
}
