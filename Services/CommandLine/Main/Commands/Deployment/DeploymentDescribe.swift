import CommandLineKit
import Contracts

enum DeploymentDescribe {
    static let description = Flag.text("description", "TEXT", "what it is for")
    static let tags = Flag.pairs("tag", "a label that can change")
    static let untag = Flag.list("untag", "KEY", "a label to remove")

    static let command = Command<Session>(
        "describe", "Changes the description and the tags of a deployment.",
        arguments: [DeploymentGroup.name],
        flags: [description.specification, tags.specification, untag.specification, Shared.reason.specification],
        examples: [
            .init("slipway deployment describe churn --tag team=growth --untag trial", "labels"),
            .init("slipway deployment describe churn --description 'who will leave us'", "what it is for"),
        ]
    ) { values, session in
        var request = Slipway.Deployments.V1.DescribeRequest(name: values[DeploymentGroup.name])
        request.description = values[description]
        request.setTags = values[tags]
        request.removeTags = values[untag]
        guard request != .init(name: request.name) else {
            throw UsageError("say what to change", path: "slipway deployment describe")
        }
        request.reason = values[Shared.reason] ?? ""
        let deployment = try await session.connect().deployments.describe(request)
        try session.show(deployment) { "" }
        session.done("\(deployment.name) is changed")
    }
}
