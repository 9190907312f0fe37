import CommandLineKit
import Contracts

enum ModelHistory {
    static let alias = Argument("ALIAS", "only this alias", isRequired: false)

    static let command = Command<Session>(
        "history", "Says where the aliases of a model have pointed, the newest first.",
        arguments: [Shared.modelName, alias],
        examples: [
            .init("slipway model history churn", "all aliases"),
            .init("slipway model history churn champion", "what was in use when, and why"),
        ]
    ) { values, session in
        let answer = try await session.connect().models.aliasHistory(
            .init(name: values[Shared.modelName], alias: values[alias]))
        try session.show(answer) {
            var table = Table([
                .init("WHEN"), .init("ALIAS"), .init("VERSION", .right), .init("BY", shrinksTo: 8),
                .init("REASON", shrinksTo: 8),
            ])
            for change in answer.changes {
                table.add([
                    session.relative(change.setAt), change.name, change.version == 0 ? "removed" : "\(change.version)",
                    change.setBy, change.reason,
                ])
            }
            return session.text(table, whenEmpty: "no alias was ever set")
        }
    }
}
