import Contracts
import HTTP
import Postgres
import ServiceKit

extension WebhookSender {
    /// What came of asking in one of the ways.
    private enum Reply {
        case consent(DestinationConsent)
        case none(String)
    }

    /// Asks a receiver whether it wants events: as CloudEvents' webhooks do, and where that finds no consent as Event Grid
    /// does. Nobody can have others flooded by naming their address.
    /// - Throws: `DestinationError` with what was answered to either.
    func consent(
        _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification
    ) async throws(DestinationError) -> DestinationConsent {
        let first = try await asked(webhook, destination)
        if case .consent(let consent) = first { return consent }
        let second = try await echoed(webhook, destination)
        if case .consent(let consent) = second { return consent }
        guard case .none(let toOptions) = first, case .none(let toEvent) = second else {
            return DestinationConsent(validatedBy: "")
        }
        throw DestinationError(
            .refused, field: "webhook.url",
            "the receiver does not consent. To OPTIONS with WebHook-Request-Origin \(settings.origin): \(toOptions)."
                + " To a SubscriptionValidation event: \(toEvent).")
    }

    private func asked(
        _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification
    ) async throws(DestinationError) -> Reply {
        let headers = [(name: "webhook-request-origin", value: settings.origin)]
        let request = try request(webhook, destination, .options, headers: headers, body: nil, id: "")
        let answer: WebhookAnswer
        do { answer = try await client.send(request) } catch { return .none(try silence(error)) }
        guard (200..<300).contains(answer.status) else { return .none("it answered \(answer.status)") }
        guard let origin = answer.allowedOrigin else {
            return .none("it answered \(answer.status) without WebHook-Allowed-Origin")
        }
        guard origin == "*" || origin.lowercased() == settings.origin.lowercased() else {
            return .none("it allows another origin, \(WebhookAnswer.printable(origin.utf8))")
        }
        // Anything but a number of requests a minute is no limit: so says the specification of `*`.
        let rate = answer.allowedRate.flatMap { Int32($0.filter { $0 != " " }) } ?? 0
        return .consent(DestinationConsent(validatedBy: "options", ratePerMinute: Int(max(0, rate))))
    }

    private func echoed(
        _ webhook: Slipway.Events.V1.Webhook, _ destination: DestinationSpecification
    ) async throws(DestinationError) -> Reply {
        let (id, code) = (WebhookSender.code(), WebhookSender.code())
        let event: EventValue = [
            [
                "id": .text(id), "topic": .text(settings.origin), "subject": "",
                "data": ["validationCode": .text(code)],
                "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
                "eventTime": .text(PostgresTimestamp(microseconds: now() * 1_000_000).description),
                "metadataVersion": "1", "dataVersion": "1",
            ]
        ]
        let headers = [
            (name: "content-type", value: "application/json; charset=utf-8"),
            (name: "aeg-event-type", value: "SubscriptionValidation"),
            (name: "webhook-request-origin", value: settings.origin),
        ]
        let body = Array(event.json.utf8)
        let request = try request(webhook, destination, .post, headers: headers, body: body, id: id)
        let answer: WebhookAnswer
        do { answer = try await client.send(request) } catch { return .none(try silence(error)) }
        guard (200...204).contains(answer.status) else { return .none("it answered \(answer.status)") }
        let said = EventValue(json: String(decoding: answer.body, as: UTF8.self))
        guard case .text(let echo)? = said?["validationResponse"] else {
            return .none("it answered \(answer.status) without a validationResponse")
        }
        guard echo == code else { return .none("its validationResponse is not the code that it was sent") }
        return .consent(DestinationConsent(validatedBy: "echo"))
    }

    /// - Throws: `DestinationError` for what no other way of asking will change.
    private func silence(_ failure: WebhookClient.Failure) throws(DestinationError) -> String {
        switch failure.kind {
        case .forbidden: throw DestinationError(.forbidden, field: "webhook.url", failure.text)
        case .invalid: throw DestinationError(.invalid, field: "webhook.authorities_pem", failure.text)
        case .noAnswer, .unreachable: return failure.text
        }
    }

    /// Nobody who does not read the request can guess it.
    private static func code() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        return String((0..<32).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
    }
}
