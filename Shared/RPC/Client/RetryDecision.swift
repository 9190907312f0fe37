/// What to do about an attempt that failed before a response began: the rules, without the timers.
struct RetryDecision: Equatable {
    enum Verdict: Equatable {
        case giveUp
        case again(after: Duration)
    }

    /// Streams that a server refused unseen are sent again this often; a server that refuses for ever is no server.
    static let refusalsMax = 16

    /// Attempts that a server may have acted on.
    private(set) var attempts = 0
    private(set) var refusals = 0

    /// The attempt was refused before a server looked at it.
    mutating func refused() -> Verdict {
        refusals += 1
        return refusals <= RetryDecision.refusalsMax ? .again(after: .zero) : .giveUp
    }

    /// The attempt ended with `error`.
    mutating func failed(
        _ error: RPCError, policy: RetryPolicy?, throttle: RetryThrottle, chance: () -> Double
    ) -> Verdict {
        attempts += 1
        guard let policy, policy.retryableCodes.contains(error.code) else { return .giveUp }
        guard throttle.failed(), attempts < policy.attemptsMax else { return .giveUp }
        if let pushback = error.metadata["grpc-retry-pushback-ms"] {
            // What is negative or no number says: don't.
            guard let milliseconds = Int64(pushback), milliseconds >= 0 else { return .giveUp }
            return .again(after: .milliseconds(milliseconds))
        }
        return .again(after: policy.backoff.delay(afterFailures: attempts, chance: chance()))
    }
}
