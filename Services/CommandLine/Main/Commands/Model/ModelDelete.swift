import CommandLineKit
import Contracts

enum ModelDelete {
    static let command = Command<Session>(
        "delete", "Deletes a version, so that it can be restored.",
        details: "Refused while an image or a deployment uses it.", arguments: [Shared.version],
        flags: [Shared.reason.specification],
        examples: [
            .init("slipway model delete churn:3 --reason 'trained on wrong data'", "until it is restored or purged")
        ]
    ) { values, session in
        let version = try await session.connect().models.deleteVersion(
            .init(version: values[Shared.version], reason: values[Shared.reason] ?? ""))
        try session.show(version) { "" }
        session.done("\(version.model):\(version.version) is deleted; `slipway model restore` takes that back")
    }
}
