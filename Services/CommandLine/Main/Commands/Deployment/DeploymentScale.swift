import CommandLineKit
import Contracts

enum DeploymentScale {
    private static let path = "slipway deployment scale"

    static let command = Command<Session>(
        "scale", "Says how many replicas there are to be; what is not said stays.",
        arguments: [DeploymentGroup.name],
        flags: ScalingFlags.all + [
            DeploymentGroup.noWait.specification, DeploymentGroup.timeout.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway deployment scale churn --replicas 4", "four, always"),
            .init("slipway deployment scale churn --min 0 --max 8 --zero-after 10m", "none while nobody asks"),
            .init("slipway deployment scale churn --scale-on rate --goal 50", "one for each 50 requests a second"),
        ]
    ) { values, session in
        guard try ScalingFlags.scaling(values, path) != nil else {
            throw UsageError("say how many: --replicas, or --min and --max", path: path)
        }
        let connection = try session.connect()
        let before = try await connection.deployments.getDeployment(.init(name: values[DeploymentGroup.name]))
        let deployment = try await connection.deployments.setScaling(
            .init(
                name: before.name, scaling: try ScalingFlags.scaling(values, on: before.scaling ?? .init(), path),
                expectedGeneration: before.generation, reason: values[Shared.reason] ?? ""))
        try await DeploymentGroup.finish(
            deployment, Readiness(generation: deployment.generation), values, session, connection,
            "\(deployment.name): \(DeploymentText.scaling(deployment.scaling))")
    }
}
