import CommandLineKit
import Contracts

enum PrincipalList {
    static let command = Command<Session>(
        "list", "Lists all principals.", examples: [.init("slipway principal list", "who may call")]
    ) { _, session in
        let answer = try await session.connect().principals.list(.init())
        try session.show(answer) {
            var table = Table([
                .init("NAME", shrinksTo: 10), .init("KIND"), .init("ADMINISTRATOR"), .init("MADE"), .init("DISABLED"),
            ])
            for principal in answer.principals {
                table.add([
                    principal.name, name(of: principal.kind), principal.administrator ? "yes" : "",
                    session.relative(principal.createdAt), session.relative(principal.disabledAt),
                ])
            }
            return session.text(table, whenEmpty: "there is none")
        }
    }

    static func name(of kind: Slipway.Principals.V1.PrincipalKind) -> String {
        switch kind {
        case .person: "person"
        case .service: "service"
        case .deployment: "deployment"
        default: ""
        }
    }
}
