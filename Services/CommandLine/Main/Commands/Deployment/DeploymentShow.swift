import CommandLineKit
import Contracts
import RPC

enum DeploymentShow {
    static let revisions = Flag.integer("revisions", "COUNT", in: 0...10_000, "so many of the newest (10)")
    static let events = Flag.integer("events", "COUNT", in: 0...1000, "so many of the last (5)")

    static let command = Command<Session>(
        "show", "Shows a deployment: its state and why, its revisions, replicas, rollout and last events.",
        details: """
            With --output json it is the deployment alone; --revisions and --events are for people.
            """,
        arguments: [DeploymentGroup.name], flags: [revisions.specification, events.specification],
        examples: [
            .init("slipway deployment show churn", "how is it?"),
            .init("slipway deployment show churn -o json | jq -r .status.state", "for a program"),
        ]
    ) { values, session in
        let deployments = try session.connect().deployments
        let name = values[DeploymentGroup.name]
        let deployment = try await deployments.getDeployment(.init(name: name))
        var shown: [Slipway.Deployments.V1.Revision] = []
        var history: [Slipway.Deployments.V1.HistoryEntry] = []
        if session.form == .table {
            let serving = Set(deployment.traffic.map(\.revision))
            let all = try await deployments.listRevisions(.init(name: name)).revisions
            let newest = Set(all.map(\.number).sorted(by: >).prefix(values[revisions] ?? 10))
            shown = all.filter {
                newest.contains($0.number) || serving.contains($0.number) || !$0.replicas.isEmpty
            }
            let count = values[events] ?? 5
            if count > 0 {
                history = try await deployments.history(.init(name: name, pageSize: Int32(count))).entries
            }
        }
        try session.show(deployment) { DeploymentText.details(deployment, shown, history, session) }
    }
}
