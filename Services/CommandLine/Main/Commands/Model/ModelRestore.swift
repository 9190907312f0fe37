import CommandLineKit
import Contracts

enum ModelRestore {
    static let command = Command<Session>(
        "restore", "Takes the deletion of a version back.", arguments: [Shared.version],
        flags: [Shared.reason.specification],
        examples: [.init("slipway model restore churn:3", "it is there again")]
    ) { values, session in
        let version = try await session.connect().models.restoreVersion(
            .init(version: values[Shared.version], reason: values[Shared.reason] ?? ""))
        try session.show(version) { "" }
        session.done("\(version.model):\(version.version) is there again")
    }
}
