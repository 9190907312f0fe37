import CommandLineKit
import Contracts

enum MemberList {
    static let command = Command<Session>(
        "list", "Lists the members of a workspace.",
        examples: [.init("slipway member list --workspace growth", "who may do what in growth")]
    ) { _, session in
        let answer = try await session.connect().workspaces.listMembers(.init())
        try session.show(answer) {
            var table = Table([.init("PRINCIPAL", shrinksTo: 10), .init("ROLE"), .init("SINCE")])
            for member in answer.members {
                table.add([member.principal, Shared.name(of: member.role), session.relative(member.since)])
            }
            return session.text(table, whenEmpty: "it has no members")
        }
    }
}
