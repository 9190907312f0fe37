import CommandLineKit
import Contracts
import RPC

enum SubscriptionCreate {
    static let after = Flag.text("after", "CURSOR", "begins behind this event (with what happens from now on)")
    static let withoutConsent = Flag.switch(
        "without-validation", "does not ask the receiver for its consent, where the service allows that")
    private static let path = "slipway subscription create"

    static let command = Command<Session>(
        "create", "Tells a web server, or a file, of events.",
        details: """
            The receiver is asked for its consent first. The secret that deliveries are signed with is written to the \
            standard output, this once.
            """,
        arguments: [SubscriptionFlags.name],
        flags: SubscriptionFlags.all + [
            EventGroup.since.specification, after.specification, withoutConsent.specification,
        ],
        examples: [
            .init("slipway subscription create ci --url https://ci.example.com/hook", "of everything"),
            .init(
                "slipway subscription create chat --url https://chat.example.com/in "
                    + "--filter \"type = 'slipway.model.alias.set'\" --ordered yes", "of some, in order"),
            .init("slipway subscription create ci --url https://ci/hook --header-file headers", "with secret headers"),
            .init("slipway subscription create archive --file all.jsonl --since 7d", "into a file, from a week ago on"),
        ]
    ) { values, session in
        guard let destination = try SubscriptionFlags.destination(values, path) else {
            throw UsageError("say where events go: --url or --file", path: path)
        }
        let subscriptions = try session.connect().subscriptions
        var subscription = Slipway.Events.V1.Subscription()
        subscription.name = values[SubscriptionFlags.name]
        subscription.description = values[SubscriptionFlags.description] ?? ""
        subscription.filter = values[EventGroup.filter] ?? ""
        subscription.destination = destination
        subscription.ordered = values[SubscriptionFlags.ordered] == "yes"
        subscription.concurrency = Int32(values[SubscriptionFlags.concurrency] ?? 0)
        subscription.retry = SubscriptionFlags.retry(values)
        try await SubscriptionTest.note(values[EventGroup.filter], subscriptions, session)
        let made = try await subscriptions.createSubscription(
            .init(
                subscription: subscription, after: values[after] ?? "",
                since: try session.timestamp(values[EventGroup.since], flag: "since"),
                withoutValidation: values[withoutConsent], reason: values[Shared.reason] ?? ""))
        try session.show(made) { made.secret.isEmpty ? "" : "\(made.secret)\n" }
        session.done("\(subscription.name) is told of events from now on")
        if !made.secret.isEmpty { session.done("keep the secret: it signs deliveries, and is never shown again") }
    }
}
