import CommandLineKit
import Contracts

enum ModelAlias {
    static let alias = Argument("ALIAS", "the alias: champion")
    static let revision = Flag.integer(
        "expected-revision", "NUMBER", in: 0...Int.max,
        "changes nothing where the alias' revision is another by now; 0 where it is to be new")

    static let command = Command<Session>(
        "alias", "Makes an alias point to a version.", arguments: [Shared.version, alias],
        flags: [Shared.reason.specification, revision.specification],
        examples: [.init("slipway model alias churn:3 champion", "churn@champion is churn:3 from now on")]
    ) { values, session in
        let set = try await session.connect().models.setAlias(
            .init(
                alias: values[alias], version: values[Shared.version],
                expectedRevision: values[revision].map(Int64.init),
                reason: values[Shared.reason] ?? ""))
        try session.show(set) { "" }
        session.done("\(set.name) points to version \(set.version)")
    }
}
