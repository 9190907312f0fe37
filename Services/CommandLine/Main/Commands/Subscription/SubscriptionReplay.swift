import CommandLineKit
import Contracts

enum SubscriptionReplay {
    private static let path = "slipway subscription replay"

    static let command = Command<Session>(
        "replay", "Delivers the past once more, from a time or a place on.", arguments: [SubscriptionFlags.name],
        flags: [
            EventGroup.since.specification, EventTail.after.specification, Shared.reason.specification,
            Shared.yes.specification,
        ],
        examples: [
            .init(
                "slipway subscription replay ci --since 2h --reason 'the receiver lost its data'", "the last two hours")
        ]
    ) { values, session in
        guard (values[EventGroup.since] == nil) != (values[EventTail.after] == nil) else {
            throw UsageError("say where to begin: --since or --after", path: path)
        }
        try session.confirm(
            "Deliver what \(values[SubscriptionFlags.name]) has had already once more?", isSure: values[Shared.yes])
        let subscription = try await session.connect().subscriptions.replay(
            .init(
                name: values[SubscriptionFlags.name], after: values[EventTail.after] ?? "",
                since: try session.timestamp(values[EventGroup.since], flag: "since"),
                reason: values[Shared.reason] ?? ""))
        try session.show(subscription) { "" }
        session.done("\(subscription.name) gets the past once more")
    }
}
