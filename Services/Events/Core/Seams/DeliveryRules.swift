public import Postgres

/// What is done after an attempt.
public enum DeliveryStep: Sendable, Hashable {
    case done
    case retry(at: PostgresTimestamp)
    /// Given up: `attempts`, `age`, `refused`, `too-large`.
    case dead(reason: String)
    /// The subscription is over; the event stays with it.
    case ended
}

/// When an event is tried again, and when it is given up. Pure: the time and the chance are given.
public protocol RetryDeciding: Sendable {
    /// - Parameters:
    ///   - attempt: which one it was, from 1.
    ///   - since: when the event was first to be delivered to this receiver: ages count from there, so that what waited
    ///     behind a pause or is replayed is not given up at once.
    ///   - chance: from 0 to 1, for what is jittered.
    func next(
        attempt: Int, outcome: DeliveryOutcome.Kind, since: PostgresTimestamp, now: PostgresTimestamp,
        limit: DeliveryLimit, chance: Double
    ) -> DeliveryStep
}

/// How long an event is tried.
public struct DeliveryLimit: Sendable, Hashable {
    public var attempts: Int
    public var age: Duration

    public init(attempts: Int = 30, age: Duration = .seconds(24 * 3600)) {
        self.attempts = attempts
        self.age = age
    }
}

/// Keeps off a receiver that fails: a value for each destination.
public protocol DeliveryCircuit: Sendable {
    /// Until when nothing is to be tried; nil while all may be, also where the next attempt is the one that probes.
    func closedUntil(now: PostgresTimestamp) -> PostgresTimestamp?
    /// How many attempts may be under way at once: one while it probes, none while nothing is to be tried.
    func allowance(now: PostgresTimestamp, concurrency: Int) -> Int
    mutating func record(_ outcome: DeliveryOutcome.Kind, now: PostgresTimestamp, chance: Double)
    /// Somebody says that all is well.
    mutating func reset()
}
