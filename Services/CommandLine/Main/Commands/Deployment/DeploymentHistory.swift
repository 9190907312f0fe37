import CommandLineKit
import Contracts

enum DeploymentHistory {
    static let command = Command<Session>(
        "history", "Says what happened to a deployment, by whom and why, and what the service did by itself.",
        arguments: [DeploymentGroup.name], flags: [Shared.limit.specification],
        examples: [
            .init("slipway deployment history churn", "the newest first"),
            .init("slipway deployment history churn --limit 1000 -o json", "for a program"),
        ]
    ) { values, session in
        let deployments = try session.connect().deployments
        var request = Slipway.Deployments.V1.HistoryRequest(name: values[DeploymentGroup.name])
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await deployments.history(request)
            return (answer.entries, answer.nextPageToken)
        }
        let message = Slipway.Deployments.V1.HistoryResponse(entries: found.elements, nextPageToken: found.next)
        try session.show(message) { DeploymentText.history(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
