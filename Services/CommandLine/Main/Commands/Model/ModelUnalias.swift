import CommandLineKit
import Contracts
import Protobuf

enum ModelUnalias {
    static let command = Command<Session>(
        "unalias", "Removes an alias of a model.", arguments: [Shared.modelName, ModelAlias.alias],
        flags: [Shared.reason.specification],
        examples: [.init("slipway model unalias churn challenger", "churn@challenger is no more")]
    ) { values, session in
        let answer = try await session.connect().models.deleteAlias(
            .init(name: values[Shared.modelName], alias: values[ModelAlias.alias], reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(values[Shared.modelName])@\(values[ModelAlias.alias]) is removed")
    }
}
