import CommandLineKit
import Contracts

enum DeploymentTraffic {
    static let shares = Argument(
        "REVISION=PERCENT", "revisions with their shares, 100 together: 1=90 2=10", repeats: true
    ) { share($0) == nil ? "a revision and its share in percent, such as 2=10" : nil }
    private static let path = "slipway deployment traffic"

    static let command = Command<Session>(
        "traffic", "Divides the requests among revisions.",
        details: "Revisions that are not named get none. A rollout that is under way ends with it.",
        arguments: [DeploymentGroup.name, shares],
        flags: [
            DeploymentGroup.noWait.specification, DeploymentGroup.timeout.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway deployment traffic churn 1=90 2=10", "a tenth for the second"),
            .init("slipway deployment traffic churn 2=100", "all for it"),
        ]
    ) { values, session in
        let traffic = values.all(shares).compactMap(share)
        let total = traffic.reduce(0) { $0 + $1.percent }
        guard total == 100 else { throw UsageError("the shares are \(total) together, and must be 100", path: path) }
        guard Set(traffic.map(\.revision)).count == traffic.count else {
            throw UsageError("a revision is there twice", path: path)
        }
        let connection = try session.connect()
        let deployment = try await connection.deployments.setTraffic(
            .init(name: values[DeploymentGroup.name], traffic: traffic, reason: values[Shared.reason] ?? ""))
        try await DeploymentGroup.finish(
            deployment, Readiness(generation: deployment.generation), values, session, connection,
            "requests to \(deployment.name) go to \(DeploymentText.traffic(traffic))")
    }

    /// - Returns: nil for what is no `2=10`.
    static func share(_ text: String) -> Slipway.Deployments.V1.TrafficShare? {
        guard let pair = Pair(text), let revision = Int32(pair.key), revision > 0,
            let percent = Int32(pair.value.hasSuffix("%") ? String(pair.value.dropLast()) : pair.value),
            (0...100).contains(percent)
        else { return nil }
        return .init(revision: revision, percent: percent)
    }
}
