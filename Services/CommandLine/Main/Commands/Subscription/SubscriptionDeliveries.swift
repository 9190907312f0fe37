import CommandLineKit
import Contracts

enum SubscriptionDeliveries {
    static let event = Flag.text("event", "ID", "only of this event")
    static let failed = Flag.switch("failed", "only those that failed")

    static let command = Command<Session>(
        "deliveries", "Lists attempts at delivery, the newest first.", arguments: [SubscriptionFlags.name],
        flags: [event.specification, failed.specification, Shared.limit.specification],
        examples: [
            .init("slipway subscription deliveries ci --failed", "what the receiver answered"),
            .init("slipway subscription deliveries ci --event 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "of one event"),
        ]
    ) { values, session in
        let subscriptions = try session.connect().subscriptions
        var request = Slipway.Events.V1.ListDeliveriesRequest()
        request.name = values[SubscriptionFlags.name]
        request.event = values[event] ?? ""
        request.failed = values[failed]
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await subscriptions.listDeliveries(request)
            return (answer.deliveries, answer.nextPageToken)
        }
        let message = Slipway.Events.V1.ListDeliveriesResponse(
            deliveries: found.elements, nextPageToken: found.next)
        try session.show(message) {
            var table = Table([
                .init("WHEN"), .init("EVENT"), .init("ATTEMPT", .right), .init("STATUS", .right),
                .init("TOOK", .right), .init("OUTCOME", shrinksTo: 12), .init("NEXT"),
            ])
            for delivery in found.elements {
                let more = delivery.events.count > 1 ? " and \(delivery.events.count - 1) more" : ""
                table.add([
                    session.relative(delivery.at), (delivery.events.first ?? "") + more, "\(delivery.attempt)",
                    delivery.status == 0 ? "" : "\(delivery.status)", SubscriptionText.took(delivery),
                    delivery.outcome.isEmpty && delivery.delivered ? "delivered" : delivery.outcome,
                    session.relative(delivery.nextAttemptAt),
                ])
            }
            return session.text(table, whenEmpty: "nothing of the kind was tried")
        }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
