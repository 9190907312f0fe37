import CommandLineKit
import Contracts

enum SubscriptionRedeliver {
    static let events = Argument("EVENT", "ids of dead letters", isRequired: false, repeats: true)
    static let all = Flag.switch("all", "all dead letters")

    static let command = Command<Session>(
        "redeliver", "Delivers dead letters once more.", arguments: [SubscriptionFlags.name, events],
        flags: [all.specification, Shared.reason.specification],
        examples: [
            .init("slipway subscription redeliver ci --all", "the receiver is well again"),
            .init("slipway subscription redeliver ci 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "one of them"),
        ]
    ) { values, session in
        let ids = values.all(events)
        guard ids.isEmpty == values[all] else {
            throw UsageError("say which: ids of events, or --all", path: "slipway subscription redeliver")
        }
        let answer = try await session.connect().subscriptions.redeliver(
            .init(name: values[SubscriptionFlags.name], events: ids, reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(Amounts.count(Int(answer.events), "event")) on the way")
    }
}
