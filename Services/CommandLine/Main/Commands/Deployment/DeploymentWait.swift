import CommandLineKit
import Contracts

enum DeploymentWait {
    static let revision = Flag.integer(
        "revision", "NUMBER", in: 1...1_000_000_000, "until this one has requests (whatever was asked for last)")

    static let command = Command<Session>(
        "wait", "Waits until a deployment is as it was asked for.",
        details: """
            Exit codes: 0 it answers as it should, 1 it does not and will not by itself, 6 it does not after --timeout.
            """,
        arguments: [DeploymentGroup.name], flags: [revision.specification, DeploymentGroup.timeout.specification],
        examples: [
            .init("slipway deployment wait churn --timeout 5m", "in a script, behind --no-wait")
        ]
    ) { values, session in
        let connection = try session.connect()
        let first = try await connection.deployments.getDeployment(.init(name: values[DeploymentGroup.name]))
        let follower = DeploymentFollower(
            session: session, connection: connection, name: first.name,
            timeout: values[DeploymentGroup.timeout] ?? .seconds(900))
        let deployment = try await follower.wait(
            until: Readiness(generation: first.generation, revision: Int32(values[revision] ?? 0)), from: first)
        try session.show(deployment) { "" }
        session.done(
            "\(deployment.name) is \(DeploymentText.state(deployment)), "
                + "\(DeploymentText.ready(deployment.status)) replicas ready")
    }
}
