import CommandLineKit
import Contracts

enum ModelUpdate {
    static let what = Argument("MODEL", "a model, churn, or one of its versions, churn:3")
    static let description = Flag.text("description", "TEXT", "in place of the description")
    static let properties = Flag.pairs("property", "a fact to add to a version")
    static let metrics = Flag.numbers("metric", "a number to set of a version")
    static let revision = Flag.integer(
        "expected-revision", "NUMBER", in: 0...Int.max, "changes nothing where the revision is another by now")

    static let command = Command<Session>(
        "update", "Changes the description of a model or version, and adds properties and metrics to a version.",
        arguments: [what],
        flags: [
            description.specification, properties.specification, metrics.specification, revision.specification,
            Shared.reason.specification,
        ],
        examples: [
            .init("slipway model update churn --description 'who will leave'", "of the model"),
            .init("slipway model update churn:3 --metric auc=0.94", "of a version"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let expected = values[revision].map(Int64.init)
        if VersionText.namesVersion(values[what]) {
            let request = Slipway.Models.V1.UpdateVersionRequest(
                version: values[what], description: values[description], addProperties: values[properties],
                setMetrics: values[metrics], expectedRevision: expected, reason: values[Shared.reason] ?? "")
            let version = try await connection.models.updateVersion(request)
            try session.show(version) { "" }
            session.done("\(version.model):\(version.version) is changed")
        } else {
            guard values[properties].isEmpty, values[metrics].isEmpty else {
                throw UsageError(
                    "properties and metrics are a version's: \(values[what]):3", path: "slipway model update")
            }
            let model = try await connection.models.updateModel(
                .init(
                    name: values[what], description: values[description], expectedRevision: expected,
                    reason: values[Shared.reason] ?? ""))
            try session.show(model) { "" }
            session.done("\(model.name) is changed")
        }
    }
}
