import CommandLineKit

enum EventGroup {
    static let filter = Flag.text("filter", "EXPRESSION", "only those that it lets through: Docs/events/filters.md")
    static let since = Flag.moment("since", "from this time on")

    static let events = Command<Session>(
        group: "events", "What happens, as others may learn of it.",
        examples: [
            .init("slipway events tail", "as it happens"), .init("slipway events list --since 24h", "the last day"),
        ],
        [EventTail.command, EventList.command, EventShow.command, EventTypes.command])

    static let subscriptions = Command<Session>(
        group: "subscription", "Who is told of events, and how that goes.",
        examples: [
            .init("slipway subscription create ci --url https://ci.example.com/hook", "tell a web server"),
            .init("slipway subscription list", "how all of them stand"),
        ],
        [
            SubscriptionCreate.command, SubscriptionList.command, SubscriptionShow.command,
            SubscriptionUpdate.command, SubscriptionTest.command, SubscriptionPause.pause, SubscriptionPause.resume,
            SubscriptionReplay.command, SubscriptionRedeliver.command, SubscriptionDeadLetters.command,
            SubscriptionDeliveries.command, SubscriptionRotateSecret.command, SubscriptionDelete.command,
        ])
}
