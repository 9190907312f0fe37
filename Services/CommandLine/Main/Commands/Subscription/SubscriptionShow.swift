import CommandLineKit
import Contracts

enum SubscriptionShow {
    static let command = Command<Session>(
        "show", "Shows a subscription, and how it goes.", arguments: [SubscriptionFlags.name],
        examples: [.init("slipway subscription show ci", "what waits, what was given up, and why")]
    ) { values, session in
        let subscription = try await session.connect().subscriptions.getSubscription(
            .init(name: values[SubscriptionFlags.name]))
        try session.show(subscription) { SubscriptionText.details(subscription, session) }
    }
}
