import Contracts
import EventsCore
import Journal
import Loop
import Postgres

/// Every row of the workspace's models is an event.
struct PlainMapping: EventMapping {
    func event(from record: JournalRecord) -> EventRecord? {
        guard record.entry.action.hasPrefix("model."), let workspace = record.entry.workspace else { return nil }
        return EventRecord(
            id: "\(record.cursor.id)", type: "slipway.\(record.entry.action)", workspace: workspace,
            subject: record.entry.subject, time: record.time, data: record.entry.after?.text ?? "null",
            actor: record.entry.actor, trace: record.entry.traceID ?? "", cursor: record.cursor)
    }

    var types: [Slipway.Events.V1.EventType] { [] }
}

/// A filter is the beginning of a subject; `!` is where it stops to be one.
struct PrefixFilters: EventFilterParsing {
    struct Filter: EventFiltering {
        let prefix: String
        func matches(_ event: EventRecord) -> Bool { event.subject.hasPrefix(prefix) }
    }

    func parse(_ text: String) throws(EventFilterError) -> any EventFiltering {
        if let index = text.firstIndex(of: "!") {
            throw EventFilterError(position: text.distance(from: text.startIndex, to: index) + 1, "not here")
        }
        return Filter(prefix: text)
    }
}

/// A receiver in memory: what it answers is decided by the test.
final class Receiver: EventSending {
    struct Delivery: Sendable, Hashable {
        var url: String
        var event: EventRecord
        var attempt: DeliveryAttempt
        var at: PostgresTimestamp
    }
    struct State {
        var deliveries: [Delivery] = []
        var atOnce: [String: Int] = [:]
        var mostAtOnce: [String: Int] = [:]
        var secrets: [String: Int] = [:]
    }
    let state = Lock(State())
    let answer: @Sendable (Delivery) async -> DeliveryOutcome.Kind

    init(_ answer: @escaping @Sendable (Delivery) async -> DeliveryOutcome.Kind = { _ in .delivered }) {
        self.answer = answer
    }

    func send(
        _ batch: [EventRecord], to destination: DestinationSpecification, attempt: DeliveryAttempt
    ) async -> DeliveryOutcome {
        let url = Receiver.url(destination.destination)
        let now = PostgresTimestamp.now
        state.withLock { state in
            state.atOnce[url, default: 0] += 1
            state.mostAtOnce[url] = max(state.mostAtOnce[url] ?? 0, state.atOnce[url] ?? 0)
            state.secrets[url] = destination.signingSecrets.count
        }
        var kind = DeliveryOutcome.Kind.delivered
        for event in batch {
            let delivery = Delivery(url: url, event: event, attempt: attempt, at: now)
            let answer = await answer(delivery)
            if answer != .delivered { kind = answer }
            if !Task.isCancelled { state.withLock { $0.deliveries.append(delivery) } }
        }
        state.withLock { $0.atOnce[url, default: 1] -= 1 }
        return DeliveryOutcome(kind, status: kind == .delivered ? 204 : 503, kind == .delivered ? "" : "Unavailable")
    }

    func check(_ destination: Slipway.Events.V1.Destination) async throws {
        if Receiver.url(destination).contains("10.0.0.") {
            throw DestinationError(.forbidden, field: "webhook.url", "10.0.0.1 is in a private network")
        }
    }

    func validate(_ destination: DestinationSpecification) async throws -> DestinationConsent {
        if Receiver.url(destination.destination).contains("unwilling") {
            throw DestinationError(.refused, field: "webhook.url", "it answered 404 Not Found")
        }
        return DestinationConsent(validatedBy: "options")
    }

    static func url(_ destination: Slipway.Events.V1.Destination) -> String {
        if case .webhook(let webhook) = destination.kind { return webhook.url }
        return ""
    }

    func events(_ url: String) -> [EventRecord] {
        state.withLock { $0.deliveries.filter { $0.url == url }.map(\.event) }
    }
    func ids(_ url: String) -> [String] { events(url).map(\.id) }
}

/// Tries again at once, so many times.
struct QuickRetry: RetryDeciding {
    var pause: Int64 = 20_000

    func next(
        attempt: Int, outcome: DeliveryOutcome.Kind, since: PostgresTimestamp, now: PostgresTimestamp,
        limit: DeliveryLimit, chance: Double
    ) -> DeliveryStep {
        switch outcome {
        case .delivered: .done
        case .failed:
            attempt >= limit.attempts
                ? .dead(reason: "attempts") : .retry(at: PostgresTimestamp(microseconds: now.microseconds + pause))
        case .refused: .dead(reason: "refused")
        case .tooLarge: .dead(reason: "too-large")
        case .gone: .ended
        }
    }
}

/// Never opens.
struct NoCircuit: DeliveryCircuit {
    func closedUntil(now: PostgresTimestamp) -> PostgresTimestamp? { nil }
    func allowance(now: PostgresTimestamp, concurrency: Int) -> Int { concurrency }
    mutating func record(_ outcome: DeliveryOutcome.Kind, now: PostgresTimestamp, chance: Double) {}
    mutating func reset() {}
}
