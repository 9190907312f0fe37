import CommandLineKit

enum ModelUntag {
    static let keys = Argument("KEY", "what to remove", repeats: true)

    static let command = Command<Session>(
        "untag", "Removes tags of a model or of a version.", arguments: [ModelTag.what, keys],
        flags: [Shared.reason.specification], examples: [.init("slipway model untag churn:3 stage", "one tag")]
    ) { values, session in
        try await ModelTag.change(
            values[ModelTag.what], set: [:], remove: values.all(keys), reason: values[Shared.reason] ?? "", session)
    }
}
