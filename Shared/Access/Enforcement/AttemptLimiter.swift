import Loop

/// Slows guessing down: whoever shows credentials of nobody is made to wait longer each time. Nothing blocks; a caller that
/// has to wait is refused.
public final class AttemptLimiter: Sendable {
    public struct Limits: Sendable {
        /// Failures that cost nothing.
        public var freeFailures = 5
        /// The wait after the next failure; each further one doubles it.
        public var firstDelay = Duration.seconds(1)
        public var longestDelay = Duration.seconds(60)
        /// Failures are forgotten after so long without another.
        public var memory = Duration.seconds(600)
        /// At least so many peers and tokens are remembered, and at most twice as many.
        public var entries = 10_000

        public init() {}
    }

    /// Whose failures are counted.
    public enum Key: Hashable, Sendable {
        case peer(String)
        /// A token's public part: guesses at it count wherever they come from.
        case token(UInt64)
    }

    private struct Entry {
        var failures: Int
        var last: LoopInstant
        var until: LoopInstant
    }

    private let limits: Limits
    private let clock: any LoopClock
    private let table: Lock<BoundedTable<Key, Entry>>

    public init(_ limits: Limits = Limits(), clock: any LoopClock = MonotonicClock()) {
        self.limits = limits
        self.clock = clock
        table = Lock(BoundedTable(capacity: limits.entries))
    }

    /// How much longer one of them has to wait; nil where it need not.
    public func wait(for keys: [Key]) -> Duration? {
        let now = clock.now
        return table.withLock { table in
            keys.compactMap { key in
                table.find(key).flatMap { $0.until > now ? now.duration(to: $0.until) : nil }
            }.max()
        }
    }

    public func failed(_ keys: [Key]) {
        let now = clock.now
        table.withLock { table in
            for key in keys {
                var failures = 1
                if let before = table.find(key), before.last.duration(to: now) < limits.memory {
                    failures = before.failures + 1
                }
                table.put(
                    key, Entry(failures: failures, last: now, until: now.advanced(by: delay(after: failures))))
            }
        }
    }

    /// How many are remembered.
    public var count: Int { table.withLock { $0.count } }

    private func delay(after failures: Int) -> Duration {
        let excess = failures - limits.freeFailures
        guard excess > 0 else { return .zero }
        return min(limits.longestDelay, limits.firstDelay * (1 << min(excess - 1, 20)))
    }
}

extension AttemptLimiter.Key {
    /// A peer by its host; one network of IPv6 is one peer, because its addresses cost nothing.
    init(peer address: String) {
        guard address.first == "[", let end = address.firstIndex(of: "]") else {
            guard !address.hasPrefix("unix:"), let colon = address.lastIndex(of: ":") else {
                self = .peer("unix")
                return
            }
            self = .peer(String(address[..<colon]))
            return
        }
        let host = address[address.index(after: address.startIndex)..<end]
        let groups = host.split(separator: ":", omittingEmptySubsequences: false).prefix(4).prefix { !$0.isEmpty }
        self = .peer(groups.joined(separator: ":") + "::")
    }
}
