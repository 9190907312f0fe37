import CommandLineKit
import Contracts

enum ActivityList {
    static let kind = Flag.text("kind", "KIND", "only of the kind: image.build")
    static let subject = Flag.text("subject", "SUBJECT", "only about this: images/churn-svc")
    static let state = Flag.choice("state", ActivityText.states, "only in the state")

    static let command = Command<Session>(
        "list", "Lists long operations, the newest first.",
        flags: [kind.specification, subject.specification, state.specification, Shared.limit.specification],
        examples: [
            .init("slipway activity list", "the newest"),
            .init("slipway activity list --kind image.build --state failed", "builds that failed"),
        ]
    ) { values, session in
        let finder = ActivityFinder(connection: try session.connect())
        var request = Slipway.Activities.V1.ListActivitiesRequest()
        request.kind = values[kind] ?? ""
        request.subject = values[subject] ?? ""
        request.state = ActivityText.state(values[state])
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await finder.first { [request] in try await $0.list(request) }.answer
            return (answer.activities, answer.nextPageToken)
        }
        let message = Slipway.Activities.V1.ListActivitiesResponse(
            activities: found.elements, nextPageToken: found.next)
        try session.show(message) { ActivityText.table(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
