import Contracts
import HTTP
import Loop
import Outbound
import ServiceKit

/// Brings events to web servers.
struct WebhookSender: Sendable {
    let client: WebhookClient
    let settings: EventSendingSettings
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    func send(
        _ batch: [EventRecord], _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification,
        _ attempt: DeliveryAttempt
    ) async -> DeliveryOutcome {
        guard let payload = EventPayload(batch, mode: webhook.mode, limits: settings.limits) else {
            return DeliveryOutcome(
                .tooLarge, "the event has more than \(settings.limits.eventBytes) bytes, even without its data")
        }
        let started = ContinuousClock.now
        var outcome: DeliveryOutcome
        do {
            var headers = payload.headers
            headers.append((name: "webhook-request-origin", value: settings.origin))
            let request = try request(
                webhook, destination, .post, headers: headers, body: payload.body, id: attempt.id)
            let answer = try await client.send(request)
            let (kind, text) = answer.outcome(now: now())
            outcome = DeliveryOutcome(kind, status: answer.status, text)
        } catch let failure as WebhookClient.Failure {
            // What the settings forbid now they may allow later, and a name may mean something else.
            outcome = DeliveryOutcome(.failed(retryAfter: nil), failure.text)
        } catch {
            outcome = DeliveryOutcome(.failed(retryAfter: nil), "\(error)")
        }
        outcome.took = ContinuousClock.now - started
        return outcome
    }

    /// A request with everything that goes with each: the headers of the subscription, and the signature where it has a body.
    func request(
        _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification, _ method: HTTPMethod,
        headers: [(name: String, value: String)], body: [UInt8]?, id: String
    ) throws(DestinationError) -> WebhookClient.Request {
        let plan = try destination.plan.plan(webhook, destination)
        var all = headers + [(name: "user-agent", value: "slipway-events")]
        if let body {
            all += WebhookSignature.headers(id: id, seconds: now(), payload: body, keys: plan.keys)
        }
        return WebhookClient.Request(
            method: method, address: plan.address, headers: all + plan.headers, body: body,
            timeout: settings.timeout(of: webhook), authorities: webhook.authoritiesPem)
    }

    /// - Throws: `DestinationError`.
    func check(_ webhook: Slipway.Events.V1.Webhook) async throws(DestinationError) {
        let address = try WebhookAddress(webhook.url)
        try WebhookHeaders.check(webhook.headers.map { (name: $0.key, value: $0.value) })
        if let timeout = webhook.timeout, timeout.seconds < 0 || timeout.nanos < 0 || timeout.seconds > 30 {
            throw DestinationError(.invalid, field: "webhook.timeout", "is not between 0 and 30 s")
        }
        guard (0...1000).contains(webhook.batchEvents) else {
            throw DestinationError(.invalid, field: "webhook.batch_events", "is not between 1 and 1,000")
        }
        if !webhook.authoritiesPem.isEmpty { try checkAuthorities(webhook.authoritiesPem) }
        do {
            _ = try await client.permitted(address)
        } catch {
            throw DestinationError(error.kind == .forbidden ? .forbidden : .invalid, field: "webhook.url", error.text)
        }
    }

    private func checkAuthorities(_ text: String) throws(DestinationError) {
        var configuration = TLSConfiguration()
        configuration.authorityText = text
        do { _ = try TLSContext(configuration, role: .client) } catch {
            throw DestinationError(.invalid, field: "webhook.authorities_pem", "\(error)")
        }
    }
}
