import CommandLineKit
import Contracts

enum DeploymentGroup {
    static let name = Argument("NAME", "the deployment's name")
    static let noWait = Flag.switch("no-wait", "does not wait until it is as asked for")
    static let timeout = Flag.duration("timeout", "waits so long at most (15m)")

    static let command = Command<Session>(
        group: "deployment", "Endpoints that keep answering while what is under them changes.",
        details: "`slipway deploy` makes one, or gives it something new to run.",
        examples: [
            .init("slipway deployment show churn", "how it is, and why"),
            .init("slipway deployment rollback churn", "back to what served before"),
            .init("slipway deployment explain churn", "why there are so many replicas"),
        ],
        [
            DeploymentList.command, DeploymentShow.command, DeploymentLogs.command, DeploymentUpdate.command,
            DeploymentTraffic.command, DeploymentScale.command, DeploymentRollback.command, DeploymentKeys.keys,
            DeploymentKeys.token, DeploymentExplain.command, DeploymentHistory.command, DeploymentSecure.command,
            DeploymentDescribe.command, DeploymentWait.command, DeploymentDelete.command,
        ])

    /// Waits, where that is wanted, and shows what became of it.
    static func finish(
        _ deployment: Slipway.Deployments.V1.Deployment, _ readiness: Readiness, _ values: Values,
        _ session: Session, _ connection: Connection, _ text: String
    ) async throws {
        var deployment = deployment
        if !values[noWait] {
            let follower = DeploymentFollower(
                session: session, connection: connection, name: deployment.name,
                timeout: values[timeout] ?? .seconds(900))
            deployment = try await follower.wait(until: readiness, from: deployment)
        }
        try session.show(deployment) { "" }
        session.done(text)
    }

    /// The number of the newest revision, and it.
    static func newest(
        _ name: String, _ connection: Connection
    ) async throws -> Slipway.Deployments.V1.Revision? {
        try await connection.deployments.listRevisions(.init(name: name)).revisions.max { $0.number < $1.number }
    }
}
