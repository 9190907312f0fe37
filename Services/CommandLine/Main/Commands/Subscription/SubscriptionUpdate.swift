import CommandLineKit
import Contracts

enum SubscriptionUpdate {
    private static let path = "slipway subscription update"

    static let command = Command<Session>(
        "update", "Changes a subscription; what is not said stays.",
        details: """
            Another address is asked for its consent. Headers that are not said keep their values. Changes nothing where \
            somebody else changed the subscription meanwhile.
            """,
        arguments: [SubscriptionFlags.name], flags: SubscriptionFlags.all,
        examples: [
            .init("slipway subscription update ci --filter \"type = 'slipway.image.built'\"", "another filter"),
            .init("slipway subscription update ci --header Authorization='Bearer …'", "another header"),
        ]
    ) { values, session in
        let subscriptions = try session.connect().subscriptions
        let before = try await subscriptions.getSubscription(.init(name: values[SubscriptionFlags.name]))
        var request = Slipway.Events.V1.UpdateSubscriptionRequest()
        request.name = before.name
        request.description = values[SubscriptionFlags.description]
        request.filter = values[EventGroup.filter]
        request.destination = try SubscriptionFlags.destination(values, before: before.destination, path)
        request.ordered = values[SubscriptionFlags.ordered].map { $0 == "yes" }
        request.concurrency = values[SubscriptionFlags.concurrency].map(Int32.init)
        request.retry = SubscriptionFlags.retry(values, before: before.retry)
        guard request != .init(name: before.name) else { throw UsageError("say what to change", path: path) }
        request.expectedRevision = before.revision
        request.reason = values[Shared.reason] ?? ""
        try await SubscriptionTest.note(values[EventGroup.filter], subscriptions, session)
        let subscription = try await subscriptions.updateSubscription(request)
        try session.show(subscription) { "" }
        session.done("\(subscription.name) is changed")
    }
}
