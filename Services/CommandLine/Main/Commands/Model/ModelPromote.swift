import CommandLineKit
import Contracts

enum ModelPromote {
    static let alias = Flag.text("to", "ALIAS", "the alias that is to point to it (champion)")
    static let reason = Flag.required("reason", "TEXT", "why, for the alias' history")

    static let command = Command<Session>(
        "promote", "Makes a version the champion, and says why.",
        details: """
            The alias moves only if it still points where it did when this command looked: of two who promote at the same \
            time one is told so.
            """,
        arguments: [Shared.version], flags: [alias.specification, reason.specification],
        examples: [
            .init("slipway model promote churn:3 --reason 'auc 0.94 in the canary'", "churn@champion is churn:3"),
            .init("slipway model promote churn:4 --to challenger --reason 'new features'", "another alias"),
        ]
    ) { values, session in
        let models = try session.connect().models
        let alias = values[alias] ?? "champion"
        let version = try await models.getVersion(.init(version: values[Shared.version]))
        let before = try await models.getModel(.init(name: version.model)).aliases.first { $0.name == alias }
        let set = try await models.setAlias(
            .init(
                alias: alias, version: "\(version.model)/\(version.version)", expectedRevision: before?.revision ?? 0,
                reason: values[reason]))
        try session.show(set) { "" }
        let from = before.map { "was \(version.model):\($0.version)" } ?? "is new"
        session.done("\(version.model)@\(alias) is \(version.model):\(set.version); it \(from)")
    }
}
