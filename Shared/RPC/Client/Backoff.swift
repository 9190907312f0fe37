/// Pauses that grow with each failure and are spread by chance, so that many clients do not come back in step.
public struct Backoff: Sendable, Hashable {
    public var base: Duration
    public var multiplier: Double
    public var cap: Duration
    /// Each pause is longer or shorter by up to this part.
    public var jitter: Double

    /// gRPC's figures for connections.
    public init(
        base: Duration = .seconds(1), multiplier: Double = 1.6, cap: Duration = .seconds(120), jitter: Double = 0.2
    ) {
        self.base = base
        self.multiplier = multiplier
        self.cap = cap
        self.jitter = jitter
    }

    /// The pause after `failures` failures in a row.
    /// - Parameter chance: between 0 and 1; a half gives the pause itself.
    public func delay(afterFailures failures: Int, chance: Double) -> Duration {
        var pause = base
        for _ in 1..<max(failures, 1) {
            pause = pause * multiplier
            if pause >= cap { break }
        }
        return min(pause, cap) * (1 + jitter * (2 * chance - 1))
    }
}
