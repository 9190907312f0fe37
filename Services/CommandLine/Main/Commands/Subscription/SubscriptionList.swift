import CommandLineKit
import Contracts

enum SubscriptionList {
    static let command = Command<Session>(
        "list", "Lists the subscriptions, by name.", flags: [Shared.limit.specification],
        examples: [.init("slipway subscription list", "and how they stand")]
    ) { values, session in
        let subscriptions = try session.connect().subscriptions
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            let answer = try await subscriptions.listSubscriptions(.init(pageSize: size, pageToken: token))
            return (answer.subscriptions, answer.nextPageToken)
        }
        let message = Slipway.Events.V1.ListSubscriptionsResponse(
            subscriptions: found.elements, nextPageToken: found.next)
        try session.show(message) { SubscriptionText.table(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
