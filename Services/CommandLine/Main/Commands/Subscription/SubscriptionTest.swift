import CommandLineKit
import Contracts
import RPC

enum SubscriptionTest {
    static let name = Argument("NAME", "the subscription that a test event is delivered for", isRequired: false)
    static let events = Flag.integer(
        "events", "COUNT", in: 1...10_000, "tries the filter on so many of the newest (1000)")
    private static let path = "slipway subscription test"

    static let command = Command<Session>(
        "test", "Delivers a test event, or tries a filter on what happened.",
        details: "A delivery that failed ends with exit code 1.", arguments: [name],
        flags: [EventGroup.filter.specification, events.specification],
        examples: [
            .init("slipway subscription test ci", "does the receiver take it?"),
            .init("slipway subscription test --filter \"type = 'slipway.image.built'\"", "what would it let through?"),
        ]
    ) { values, session in
        let subscriptions = try session.connect().subscriptions
        if let filter = values[EventGroup.filter] {
            guard values[name].isEmpty else { throw UsageError("NAME or --filter: one of them", path: path) }
            let answer = try await subscriptions.testFilter(.init(filter: filter, events: Int32(values[events] ?? 0)))
            try session.show(answer) { EventText.table(answer.examples, session) }
            return session.done("it lets \(answer.matched) of the last \(answer.examined) events through")
        }
        guard !values[name].isEmpty else { throw UsageError("say NAME or --filter", path: path) }
        let delivery = try await subscriptions.testSubscription(.init(name: values[name]))
        try session.show(delivery) { "" }
        let outcome = [delivery.status == 0 ? "" : "\(delivery.status)", delivery.outcome]
            .filter { !$0.isEmpty }.joined(separator: " ")
        guard delivery.delivered else {
            throw Failure(.failed, "\(values[name]) did not take it: \(DisplayText.harmless(outcome))")
        }
        session.done("\(values[name]) took it in \(SubscriptionText.took(delivery)): \(outcome)")
    }

    /// Says what a new filter would have let through, before anything is made with it.
    /// - Throws: `RPCError` where it does not parse.
    static func note(
        _ filter: String?, _ subscriptions: Slipway.Events.V1.Subscriptions.Client, _ session: Session
    ) async throws {
        guard let filter, !filter.isEmpty else { return }
        let answer = try await subscriptions.testFilter(.init(filter: filter))
        session.done("the filter lets \(answer.matched) of the last \(answer.examined) events through")
    }
}
