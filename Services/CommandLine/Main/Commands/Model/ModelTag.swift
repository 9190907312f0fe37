import CommandLineKit
import Contracts

enum ModelTag {
    static let what = Argument("MODEL", "a model, churn, or one of its versions, churn:3")
    static let tags = Argument("KEY=VALUE", "what to set", repeats: true) { Pair($0) == nil ? Pair.wanted : nil }

    static let command = Command<Session>(
        "tag", "Sets tags of a model or of a version.", arguments: [what, tags], flags: [Shared.reason.specification],
        examples: [
            .init("slipway model tag churn:3 stage=canary team=growth", "of a version"),
            .init("slipway model tag churn owner=ada", "of the model"),
        ]
    ) { values, session in
        var set: [String: String] = [:]
        for pair in values.all(tags).compactMap({ Pair($0) }) { set[pair.key] = pair.value }
        try await change(values[what], set: set, remove: [], reason: values[Shared.reason] ?? "", session)
    }

    static func change(
        _ what: String, set: [String: String], remove: [String], reason: String, _ session: Session
    ) async throws {
        let models = try session.connect().models
        if VersionText.namesVersion(what) {
            let version = try await models.updateVersion(
                .init(version: what, setTags: set, removeTags: remove, reason: reason))
            try session.show(version) { "" }
            session.done(
                "tags of \(version.model):\(version.version): \(version.tags.isEmpty ? "none" : Shared.shown(version.tags))"
            )
        } else {
            let model = try await models.updateModel(
                .init(name: what, setTags: set, removeTags: remove, reason: reason))
            try session.show(model) { "" }
            session.done("tags of \(model.name): \(model.tags.isEmpty ? "none" : Shared.shown(model.tags))")
        }
    }
}
