import Contracts
import Loop

/// What a webhook's deliveries have in common, read once: the address in its parts, headers of the subscription, keys.
struct WebhookPlan: Sendable {
    let address: WebhookAddress
    let headers: [(name: String, value: String)]
    let keys: [WebhookSignature.Key]

    /// - Throws: `DestinationError`.
    init(_ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification) throws(DestinationError) {
        headers = destination.headers.map { (name: $0.name, value: $0.value.reveal()) }
        try WebhookHeaders.check(headers)
        address = try WebhookAddress(webhook.url)
        keys = destination.signingSecrets.compactMap(WebhookSignature.Key.init)
    }

    /// Keeps a destination's plan beside it, from the first delivery on. Shared by copies of the destination.
    final class Kept: Sendable {
        private let plan = Lock<Result<WebhookPlan, DestinationError>?>(nil)

        func plan(
            _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification
        ) throws(DestinationError) -> WebhookPlan {
            let result = plan.withLock { plan in
                if let plan { return plan }
                let made = Result { () throws(DestinationError) in try WebhookPlan(webhook, destination) }
                plan = made
                return made
            }
            return try result.get()
        }
    }
}
