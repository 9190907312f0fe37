/// When a call that failed is tried again. Nothing is repeated once a response has begun.
public struct RetryPolicy: Sendable, Hashable {
    /// How often a call is tried, the first time included.
    public var attemptsMax: Int
    /// The pauses between attempts: each is drawn between nothing and the value that grows.
    public var backoff: Backoff
    public var retryableCodes: Set<RPCCode>

    public init(
        attemptsMax: Int = 3,
        backoff: Backoff = Backoff(base: .milliseconds(100), multiplier: 2, cap: .seconds(2), jitter: 0.2),
        retryableCodes: Set<RPCCode> = [.unavailable]
    ) {
        self.attemptsMax = attemptsMax
        self.backoff = backoff
        self.retryableCodes = retryableCodes
    }

    /// Every call is tried once. Streams that a server surely has not seen are still sent again.
    public static let never = RetryPolicy(attemptsMax: 1)
}
