import CommandLineKit
import Contracts

enum DeploymentRollback {
    static let revision = Flag.integer(
        "to", "REVISION", in: 1...1_000_000_000, "which revision (what served before the last change)")
    private static let path = "slipway deployment rollback"

    static let command = Command<Session>(
        "rollback", "Goes back to an earlier revision.",
        details: "The history keeps both. All at once, unless the flags say otherwise.",
        arguments: [DeploymentGroup.name],
        flags: [revision.specification] + RolloutFlags.all + [
            DeploymentGroup.noWait.specification, DeploymentGroup.timeout.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway deployment rollback churn --reason 'too many errors'", "to what served before"),
            .init("slipway deployment rollback churn --to 2", "to a certain one"),
        ]
    ) { values, session in
        let plan = try RolloutFlags.plan(values, path)
        let connection = try session.connect()
        let deployment = try await connection.deployments.rollBack(
            .init(
                name: values[DeploymentGroup.name], revision: Int32(values[revision] ?? 0), plan: plan,
                reason: values[Shared.reason] ?? ""))
        try await DeploymentGroup.finish(
            deployment, Readiness(generation: deployment.generation), values, session, connection,
            values[DeploymentGroup.noWait]
                ? "\(deployment.name) goes back" : "\(deployment.name) is back at what served before")
    }
}
