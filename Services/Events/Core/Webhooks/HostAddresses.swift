import Loop
import Outbound

/// What a host's name means.
public protocol HostLookup: Sendable {
    /// - Throws: `OutboundError` `.unknownHost`.
    func addresses(of host: String) async throws -> [IPAddress]
}

/// Asks the machine's resolver, and keeps what it says for some seconds: twenty thousand deliveries a second go to a few hosts.
/// What is kept is checked as if it had just been said.
public final class SystemHostLookup: HostLookup {
    private struct Kept {
        let addresses: [IPAddress]
        let until: ContinuousClock.Instant
    }

    private static let namesMax = 4096
    private let pool: ComputePool
    private let keeps: Duration
    private let kept = Lock<[String: Kept]>([:])

    /// - Parameter pool: looks names up, which blocks; it must be started, and outlive this.
    public init(pool: ComputePool, keeps: Duration = .seconds(10)) {
        self.pool = pool
        self.keeps = keeps
    }

    public func addresses(of host: String) async throws -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
        let now = ContinuousClock.now
        if let known = kept.withLock({ $0[host] }), known.until > now { return known.addresses }
        let found = try await pool.run { try IPAddress.look(up: host) }
        kept.withLock { kept in
            if kept.count >= SystemHostLookup.namesMax { kept = kept.filter { $0.value.until > now } }
            if kept.count < SystemHostLookup.namesMax { kept[host] = Kept(addresses: found, until: now + keeps) }
        }
        return found
    }
}
