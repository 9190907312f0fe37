public import Postgres

/// Keeps off a destination that fails: after so many failures in a row nothing is tried for a while, then one attempt probes.
/// Where it fails the pause doubles, up to a bound. Pure.
///
///     closed ──failures in a row──> open ──pause over──> half-open ──one delivered──> closed
///                                    ^                      │
///                                    └──────it fails────────┘
public struct CircuitRules: DeliveryCircuit, Hashable {
    public enum State: Hashable, Sendable {
        case closed(failures: Int)
        case open(until: PostgresTimestamp, openings: Int)
    }

    /// So many failures in a row open it.
    public var failuresMax = 10
    public var firstPause = Duration.seconds(10)
    public var longestPause = Duration.seconds(300)
    public private(set) var state = State.closed(failures: 0)

    public init(failuresMax: Int = 10) { self.failuresMax = max(1, failuresMax) }

    public func closedUntil(now: PostgresTimestamp) -> PostgresTimestamp? {
        guard case .open(let until, _) = state, now < until else { return nil }
        return until
    }

    public func allowance(now: PostgresTimestamp, concurrency: Int) -> Int {
        switch state {
        case .closed: concurrency
        case .open(let until, _): now < until ? 0 : min(1, concurrency)
        }
    }

    public mutating func record(_ outcome: DeliveryOutcome.Kind, now: PostgresTimestamp, chance: Double) {
        switch outcome {
        case .delivered, .refused, .tooLarge:
            // It answers: what it says of one event is no reason to spare it the next.
            state = .closed(failures: 0)
        case .gone: break
        case .failed(let asked): fail(asked: asked, now: now, chance: chance)
        }
    }

    private mutating func fail(asked: Duration?, now: PostgresTimestamp, chance: Double) {
        switch state {
        case .closed(let failures):
            guard failures + 1 >= failuresMax else { return state = .closed(failures: failures + 1) }
            open(1, asked: asked, now: now, chance: chance)
        case .open(let until, let openings):
            // What was under way when it opened says nothing new.
            guard now >= until else { return }
            open(openings + 1, asked: asked, now: now, chance: chance)
        }
    }

    private mutating func open(_ openings: Int, asked: Duration?, now: PostgresTimestamp, chance: Double) {
        let doubled = firstPause * (1 << min(openings - 1, 16))
        var pause = min(doubled, longestPause) * (0.9 + 0.2 * min(max(chance, 0), 1))
        if let asked { pause = max(pause, min(asked, longestPause)) }
        state = .open(until: now.advanced(by: pause), openings: openings)
    }

    public mutating func reset() { state = .closed(failures: 0) }
}
