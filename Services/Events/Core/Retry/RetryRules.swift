public import Postgres

/// The schedule of Docs/events/delivery.md: after 10 s, 30 s, 1, 5, 10, 30 min, 1, 3, 6 h, then every 12 h. Pure.
public struct RetryRules: RetryDeciding {
    static let delays: [Duration] = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200].map { .seconds($0) }
    /// How much of a delay chance may add or take, so that those who failed together do not come back together.
    static let jitter = 0.1
    /// No receiver puts a retry off for longer than this.
    public static let retryAfterMax = Duration.seconds(43_200)

    public init() {}

    public func next(
        attempt: Int, outcome: DeliveryOutcome.Kind, since: PostgresTimestamp, now: PostgresTimestamp,
        limit: DeliveryLimit, chance: Double
    ) -> DeliveryStep {
        switch outcome {
        case .delivered: return .done
        case .refused: return .dead(reason: "refused")
        case .tooLarge: return .dead(reason: "too-large")
        case .gone: return .ended
        case .failed(let asked):
            guard attempt < limit.attempts else { return .dead(reason: "attempts") }
            let end = since.advanced(by: limit.age)
            guard now < end else { return .dead(reason: "age") }
            var delay = RetryRules.delay(afterAttempt: attempt, chance: chance)
            if let asked { delay = max(delay, min(max(asked, .zero), RetryRules.retryAfterMax)) }
            let next = now.advanced(by: delay)
            // One last try at the very end, rather than none for the hours before it.
            return .retry(at: min(next, end))
        }
    }

    /// - Parameter attempt: the one that failed, from 1.
    static func delay(afterAttempt attempt: Int, chance: Double) -> Duration {
        let plain = delays[min(max(attempt, 1), delays.count) - 1]
        return plain * (1 + jitter * (2 * min(max(chance, 0), 1) - 1))
    }
}

extension PostgresTimestamp {
    /// Stops at the ends of what can be said.
    func advanced(by duration: Duration) -> PostgresTimestamp {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let part = attoseconds / 1_000_000_000_000
        let (sum, carried) = microseconds.addingReportingOverflow(whole)
        let (total, last) = sum.addingReportingOverflow(part)
        if overflow || carried || last { return seconds < 0 ? .distantPast : .distantFuture }
        return PostgresTimestamp(microseconds: total)
    }
}
