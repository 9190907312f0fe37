import CommandLineKit
import Contracts

enum SubscriptionPause {
    static let pause = Command<Session>(
        "pause", "Delivers nothing until it is resumed; what happens meanwhile waits.",
        arguments: [SubscriptionFlags.name], flags: [Shared.reason.specification],
        examples: [.init("slipway subscription pause ci --reason 'the receiver moves'", "for a while")]
    ) { values, session in
        let subscription = try await session.connect().subscriptions.pause(
            .init(name: values[SubscriptionFlags.name], reason: values[Shared.reason] ?? ""))
        try session.show(subscription) { "" }
        session.done("\(subscription.name) is paused")
    }

    static let resume = Command<Session>(
        "resume", "Delivers again, with what waited first.", arguments: [SubscriptionFlags.name],
        flags: [Shared.reason.specification],
        examples: [.init("slipway subscription resume ci", "after a pause, or after the receiver had ended it")]
    ) { values, session in
        let subscription = try await session.connect().subscriptions.resume(
            .init(name: values[SubscriptionFlags.name], reason: values[Shared.reason] ?? ""))
        try session.show(subscription) { "" }
        session.done(
            "\(subscription.name) is \(SubscriptionText.name(of: subscription.state)), \(subscription.waiting) wait")
    }
}
