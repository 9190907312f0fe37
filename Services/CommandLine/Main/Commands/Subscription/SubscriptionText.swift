import CommandLineKit
import Contracts

/// Subscriptions as people read them.
enum SubscriptionText {
    typealias Subscription = Slipway.Events.V1.Subscription

    static func mode(_ name: String) -> Slipway.Events.V1.Webhook.Mode {
        switch name {
        case "binary": .binary
        case "batch": .batch
        default: .structured
        }
    }

    static func name(of mode: Slipway.Events.V1.Webhook.Mode) -> String {
        switch mode {
        case .binary: "binary"
        case .batch: "batch"
        default: "structured"
        }
    }

    static func name(of state: Subscription.State) -> String {
        switch state {
        case .active: "active"
        case .paused: "paused"
        case .failing: "failing"
        case .ended: "ended"
        default: "unknown"
        }
    }

    static func destination(_ destination: Slipway.Events.V1.Destination?) -> String {
        switch destination?.kind {
        case .webhook(let webhook): webhook.url
        case .file(let file): "file \(file.path)"
        case nil: ""
        }
    }

    static func table(_ subscriptions: [Subscription], _ session: Session) -> String {
        var table = Table([
            .init("NAME", shrinksTo: 12), .init("STATE"), .init("TO", shrinksTo: 16), .init("FILTER", shrinksTo: 10),
            .init("WAITING", .right), .init("DEAD", .right), .init("DELIVERED", .right), .init("LAST"),
        ])
        for subscription in subscriptions {
            table.add([
                subscription.name, name(of: subscription.state), destination(subscription.destination),
                subscription.filter, "\(subscription.waiting)", "\(subscription.deadLetters)",
                "\(subscription.delivered)", session.relative(subscription.lastDeliveredAt),
            ])
        }
        return session.text(table, whenEmpty: "there is no subscription")
    }

    static func details(_ subscription: Subscription, _ session: Session) -> String {
        var facts = Facts()
        facts.add("name", subscription.name)
        facts.add("description", subscription.description)
        facts.add("state", name(of: subscription.state))
        facts.add("reason", subscription.reason)
        facts.add("closed until", session.exact(subscription.closedUntil))
        facts.add("to", destination(subscription.destination))
        if case .webhook(let webhook)? = subscription.destination?.kind {
            facts.add("mode", name(of: webhook.mode))
            facts.add("headers", webhook.headers.keys.sorted().joined(separator: ", "))
            facts.add("batch", webhook.mode == .batch ? "\(webhook.batchEvents == 0 ? 100 : webhook.batchEvents)" : "")
            facts.add("timeout", webhook.timeout.map { Amounts.span(Int($0.seconds)) } ?? "")
            facts.add("consent", webhook.validatedBy)
            facts.add("rate", webhook.ratePerMinute == 0 ? "" : "\(webhook.ratePerMinute) a minute")
        }
        facts.add("filter", subscription.filter)
        facts.add("ordered", subscription.ordered ? "yes" : "")
        facts.add("at once", subscription.concurrency == 0 ? "" : "\(subscription.concurrency)")
        facts.add("gives up", retry(subscription.retry))
        facts.add("waiting", "\(subscription.waiting)")
        facts.add("dead letters", "\(subscription.deadLetters)")
        facts.add("delivered", "\(subscription.delivered)")
        facts.add("last", session.exact(subscription.lastDeliveredAt))
        facts.add("cursor", subscription.cursor)
        facts.add("made by", subscription.createdBy)
        facts.add("made", session.exact(subscription.createdAt))
        facts.add("changed", session.exact(subscription.updatedAt))
        return session.text(facts)
    }

    private static func retry(_ limit: Slipway.Events.V1.RetryLimit?) -> String {
        guard let limit else { return "" }
        let attempts = limit.attempts == 0 ? "" : "after \(Amounts.count(Int(limit.attempts), "attempt"))"
        let age = limit.age.map { "after \(Amounts.span(Int($0.seconds)))" } ?? ""
        return [attempts, age].filter { !$0.isEmpty }.joined(separator: " or ")
    }

    /// `0.012s`, for what is over in no time.
    static func took(_ delivery: Slipway.Events.V1.Delivery) -> String {
        guard let took = delivery.took else { return "" }
        let thousandths = took.seconds * 1000 + Int64(took.nanos) / 1_000_000
        return thousandths < 10_000 ? "\(thousandths) ms" : Amounts.span(Int(thousandths / 1000))
    }
}
