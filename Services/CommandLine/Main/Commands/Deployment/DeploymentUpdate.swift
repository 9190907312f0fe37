import CommandLineKit
import Contracts

enum DeploymentUpdate {
    static let image = Flag.text("image", "IMAGE", "what runs: churn-svc:2, churn-svc@production")
    static let model = Flag.text("model", "VERSION", "or a version of a model, of which an image is built: churn:3")
    private static let path = "slipway deployment update"

    static let command = Command<Session>(
        "update", "Makes another revision, which takes over as the flags say; what is not said stays.",
        details: """
            The revision before serves until the new one is ready, and goes on where it never is. Exit codes: 0 it serves, \
            1 it was rolled back or does not get ready, 6 it was not there in time.
            """,
        arguments: [DeploymentGroup.name],
        flags: [image.specification, model.specification] + ReplicaFlags.all
            + [ReplicaFlags.unset.specification] + RolloutFlags.all + [
                DeploymentGroup.noWait.specification, DeploymentGroup.timeout.specification,
                Shared.reason.specification,
            ],
        examples: [
            .init("slipway deployment update churn --image churn-svc:3", "all at once, when it is ready"),
            .init(
                "slipway deployment update churn --model churn:4 --canary 10 --bake 5m --gate error-rate=0.01",
                "a tenth of the requests first"),
            .init("slipway deployment update churn --env MODE=fast --memory 1GB", "another configuration"),
        ]
    ) { values, session in
        let content = try content(values)
        let plan = try RolloutFlags.plan(values, path)
        guard content != nil || ReplicaFlags.isSaid(values) else {
            throw UsageError("say what to change: --image, --model, or how its replicas run", path: path)
        }
        let connection = try session.connect()
        let update = RevisionUpdate(session: session, connection: connection, name: values[DeploymentGroup.name])
        let (deployment, number) = try await update.run(
            content: content, values, plan: plan, reason: values[Shared.reason] ?? "")
        try await DeploymentGroup.finish(
            deployment, Readiness(generation: deployment.generation, revision: number), values, session, connection,
            values[DeploymentGroup.noWait]
                ? "revision \(number) of \(deployment.name) is on its way"
                : "revision \(number) of \(deployment.name) serves")
    }

    private static func content(_ values: Values) throws -> Slipway.Deployments.V1.Content? {
        switch (values[image], values[model]) {
        case (nil, nil): return nil
        case (let image?, nil): return .init(kind: .image(image))
        case (nil, let model?): return .init(kind: .model(model))
        default: throw UsageError("--image and --model: one of them", path: path)
        }
    }
}

/// Makes another revision of a deployment.
struct RevisionUpdate {
    let session: Session
    let connection: Connection
    let name: String

    /// - Returns: the deployment, and the new revision's number.
    /// - Throws: `RPCError`; `Failure` where somebody else changed the deployment meanwhile.
    func run(
        content: Slipway.Deployments.V1.Content?, _ values: Values, plan: Slipway.Deployments.V1.RolloutPlan?,
        reason: String
    ) async throws -> (Slipway.Deployments.V1.Deployment, Int32) {
        var request = Slipway.Deployments.V1.UpdateDeploymentRequest()
        request.name = name
        request.content = content
        request.plan = plan
        request.reason = reason
        if ReplicaFlags.isSaid(values) {
            // What is said goes on top of what there is, so nobody may have changed that in between.
            request.expectedGeneration = try await connection.deployments.getDeployment(.init(name: name)).generation
            let before = try await DeploymentGroup.newest(name, connection)?.settings ?? .init()
            request.settings = ReplicaFlags.settings(values, on: before)
        }
        let deployment = try await connection.deployments.updateDeployment(request)
        return (deployment, try await DeploymentGroup.newest(name, connection)?.number ?? 0)
    }
}
