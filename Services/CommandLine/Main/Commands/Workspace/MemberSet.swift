import CommandLineKit
import Contracts

enum MemberSet {
    static let principal = Argument("PRINCIPAL", "who: ada, service:ci")
    static let role = Argument("ROLE", "reader, contributor or owner", completion: .words(Shared.roles)) { role in
        guard !Shared.roles.contains(role) else { return nil }
        let hint = Suggestion.nearest(to: role, among: Shared.roles).map { "; did you mean \($0)?" } ?? ""
        return "reader, contributor or owner\(hint)"
    }

    static let command = Command<Session>(
        "set", "Gives a principal a role in a workspace, in place of the one it has.", arguments: [principal, role],
        flags: [Shared.reason.specification],
        examples: [.init("slipway member set ada contributor --workspace growth", "ada may register models")]
    ) { values, session in
        let request = Slipway.Workspaces.V1.SetMemberRequest(
            principal: values[principal], role: Shared.role(values[role]), reason: values[Shared.reason] ?? "")
        let member = try await session.connect().workspaces.setMember(request)
        try session.show(member) { "" }
        session.done("\(member.principal) is \(Shared.name(of: member.role))")
    }
}
