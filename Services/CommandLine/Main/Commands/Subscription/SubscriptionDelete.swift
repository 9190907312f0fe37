import CommandLineKit
import Contracts

enum SubscriptionDelete {
    static let command = Command<Session>(
        "delete", "Ends a subscription and forgets its deliveries.", arguments: [SubscriptionFlags.name],
        flags: [Shared.reason.specification, Shared.yes.specification],
        examples: [.init("slipway subscription delete ci --yes", "with what waits and its dead letters")]
    ) { values, session in
        let name = values[SubscriptionFlags.name]
        try session.confirm("End \(name), with what waits and its dead letters?", isSure: values[Shared.yes])
        let answer = try await session.connect().subscriptions.deleteSubscription(
            .init(name: name, reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(name) is no more")
    }
}
