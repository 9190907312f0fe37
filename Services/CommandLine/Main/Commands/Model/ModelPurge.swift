import CommandLineKit
import Contracts

enum ModelPurge {
    static let command = Command<Session>(
        "purge", "Removes a deleted version for good.", arguments: [Shared.version],
        flags: [Shared.reason.specification, Shared.yes.specification],
        examples: [.init("slipway model purge churn:3 --yes", "it can't be restored any more")]
    ) { values, session in
        try session.confirm("Remove \(values[Shared.version]) for good?", isSure: values[Shared.yes])
        let answer = try await session.connect().models.purgeVersion(
            .init(version: values[Shared.version], reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(values[Shared.version]) is gone for good")
    }
}
