import Postgres
import Testing

@testable import EventsCore

@Suite("Trying again") struct RetryTests {
    static let start = PostgresTimestamp(microseconds: 1_769_860_800_000_000)

    @Test("the schedule is 10 s, 30 s, 1, 5, 10, 30 min, 1, 3, 6 h and then every 12 h")
    func delays() {
        let seconds = (1...12).map { RetryRules.delay(afterAttempt: $0, chance: 0.5).components.seconds }
        #expect(seconds == [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 43_200, 43_200])
        #expect(RetryRules.delay(afterAttempt: 1, chance: 0) == .seconds(9))
        #expect(RetryRules.delay(afterAttempt: 1, chance: 1) == .seconds(11))
    }

    /// Fails until it is given up.
    private func run(_ limit: DeliveryLimit, retryAfter: Duration? = nil) -> (attempts: [Int64], end: DeliveryStep) {
        var (now, times) = (Self.start, [Int64]())
        for attempt in 1... {
            times.append((now.microseconds - Self.start.microseconds) / 1_000_000)
            let step = RetryRules().next(
                attempt: attempt, outcome: .failed(retryAfter: retryAfter), since: Self.start, now: now, limit: limit,
                chance: 0.5)
            guard case .retry(let next) = step else { return (times, step) }
            now = next
        }
        return (times, .done)
    }

    @Test("what fails for a day is given up after 24 hours, with a last try at their end")
    func day() {
        let (times, end) = run(DeliveryLimit())
        #expect(times == [0, 10, 40, 100, 400, 1000, 2800, 6400, 17_200, 38_800, 82_000, 86_400])
        #expect(end == .dead(reason: "age"))
    }

    @Test("what may be tried for long is given up after 30 attempts")
    func attempts() {
        let (times, end) = run(DeliveryLimit(attempts: 30, age: .seconds(86_400 * 365)))
        #expect(times.count == 30)
        #expect(times.last == Int64(82_000 + 19 * 43_200))
        #expect(end == .dead(reason: "attempts"))
    }

    @Test("a receiver may ask for more time, not for less, and not for ever")
    func retryAfter() {
        func next(_ asked: Duration) -> DeliveryStep {
            RetryRules().next(
                attempt: 1, outcome: .failed(retryAfter: asked), since: Self.start, now: Self.start,
                limit: DeliveryLimit(), chance: 0.5)
        }
        #expect(next(.seconds(120)) == .retry(at: Self.start.advanced(by: .seconds(120))))
        #expect(next(.seconds(1)) == .retry(at: Self.start.advanced(by: .seconds(10))))
        #expect(next(.seconds(1 << 40)) == .retry(at: Self.start.advanced(by: .seconds(43_200))))
    }

    @Test("what was delivered, refused, too large or unwanted is not tried again")
    func finals() {
        func next(_ kind: DeliveryOutcome.Kind) -> DeliveryStep {
            RetryRules().next(
                attempt: 1, outcome: kind, since: Self.start, now: Self.start, limit: DeliveryLimit(), chance: 0)
        }
        #expect(next(.delivered) == .done)
        #expect(next(.refused) == .dead(reason: "refused"))
        #expect(next(.tooLarge) == .dead(reason: "too-large"))
        #expect(next(.gone) == .ended)
    }

    @Test("a circuit opens after failures in a row, lets one probe, and closes when that is delivered")
    func circuit() {
        var (circuit, now) = (CircuitRules(failuresMax: 3), Self.start)
        func record(_ kind: DeliveryOutcome.Kind) { circuit.record(kind, now: now, chance: 0.5) }
        record(.failed(retryAfter: nil))
        record(.failed(retryAfter: nil))
        record(.delivered)
        record(.failed(retryAfter: nil))
        record(.failed(retryAfter: nil))
        #expect(circuit.closedUntil(now: now) == nil)
        #expect(circuit.allowance(now: now, concurrency: 16) == 16)
        record(.failed(retryAfter: nil))
        #expect(circuit.closedUntil(now: now) == now.advanced(by: .seconds(10)))
        #expect(circuit.allowance(now: now, concurrency: 16) == 0)
        // What was under way does not move it.
        record(.failed(retryAfter: nil))
        #expect(circuit.closedUntil(now: now) == now.advanced(by: .seconds(10)))
        now = now.advanced(by: .seconds(10))
        #expect(circuit.closedUntil(now: now) == nil)
        #expect(circuit.allowance(now: now, concurrency: 16) == 1)
        record(.failed(retryAfter: nil))
        #expect(circuit.closedUntil(now: now) == now.advanced(by: .seconds(20)))
        now = now.advanced(by: .seconds(20))
        record(.delivered)
        #expect(circuit.allowance(now: now, concurrency: 16) == 16)
    }

    @Test("a circuit's pause doubles up to five minutes, and ends when somebody says so")
    func pauses() {
        var (circuit, now) = (CircuitRules(failuresMax: 1), Self.start)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            circuit.record(.failed(retryAfter: nil), now: now, chance: 0.5)
            guard let until = circuit.closedUntil(now: now) else { break }
            pauses.append((until.microseconds - now.microseconds) / 1_000_000)
            now = until
        }
        #expect(pauses == [10, 20, 40, 80, 160, 300, 300, 300])
        circuit.reset()
        #expect(circuit.allowance(now: now, concurrency: 4) == 4)
    }
}
