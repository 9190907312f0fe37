import CommandLineKit
import Contracts

enum PrincipalCreate {
    static let name = Argument("NAME", "1 to 128 characters of a–z, 0–9, ., _, @, + and -")
    static let kind = Flag.choice("kind", ["person", "service", "deployment"], "what it is (person)")

    static let command = Command<Session>(
        "create", "Makes a principal, which can then be given tokens and roles.", arguments: [name],
        flags: [kind.specification],
        examples: [
            .init("slipway principal create ada", "somebody"),
            .init("slipway principal create ci --kind service", "a pipeline"),
        ]
    ) { values, session in
        let kind: Slipway.Principals.V1.PrincipalKind =
            switch values[kind] {
            case "service": .service
            case "deployment": .deployment
            default: .person
            }
        let principal = try await session.connect().principals.create(.init(kind: kind, name: values[name]))
        try session.show(principal) { "\(PrincipalList.name(of: principal.kind)):\(principal.name)\n" }
    }
}
