import CommandLineKit
import Contracts

enum DeploymentList {
    static let model = Flag.text("model", "MODEL", "only with this model: churn, churn:3")
    static let image = Flag.text("image", "IMAGE", "only with this image: churn-svc, churn-svc:2, a digest")
    static let tags = Flag.list("tag", "KEY[=VALUE]", "only with this tag")
    static let target = Flag.text("target", "NAME", "only on this target")
    static let state = Flag.choice("state", DeploymentWords.states.map(\.name), "only in this state")

    static let command = Command<Session>(
        "list", "Lists deployments, by name.",
        flags: [
            model.specification, image.specification, tags.specification, target.specification,
            state.specification, Shared.limit.specification,
        ],
        examples: [
            .init("slipway deployment list", "all of the workspace"),
            .init("slipway deployment list --model churn:3", "where does this version run?"),
            .init("slipway deployment list --state degraded -o json", "what needs somebody?"),
        ]
    ) { values, session in
        let deployments = try session.connect().deployments
        var request = Slipway.Deployments.V1.SearchDeploymentsRequest()
        request.model = values[model] ?? ""
        request.image = values[image] ?? ""
        request.tags = values[tags]
        request.target = values[target] ?? ""
        request.state = DeploymentWords.value(values[state], in: DeploymentWords.states) ?? .unspecified
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await deployments.searchDeployments(request)
            return (answer.deployments, answer.nextPageToken)
        }
        let message = Slipway.Deployments.V1.SearchDeploymentsResponse(
            deployments: found.elements, nextPageToken: found.next)
        try session.show(message) { DeploymentText.table(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
