import CommandLineKit
import Contracts

enum DeploymentDelete {
    static let command = Command<Session>(
        "delete", "Ends a deployment: its endpoint and its replicas.",
        details: "What it was stays in the history of the workspace (`slipway audit`).",
        arguments: [DeploymentGroup.name], flags: [Shared.reason.specification, Shared.yes.specification],
        examples: [.init("slipway deployment delete churn --yes --reason 'replaced by churn-2'", "its callers get 404")]
    ) { values, session in
        let name = values[DeploymentGroup.name]
        try session.confirm("End the endpoint \(name)? Its callers are refused then.", isSure: values[Shared.yes])
        let deployment = try await session.connect().deployments.deleteDeployment(
            .init(name: name, reason: values[Shared.reason] ?? ""))
        try session.show(deployment) { "" }
        session.done("\(name) answers no more; its replicas end")
    }
}
