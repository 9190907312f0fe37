import Access
import Loop
import Postgres
import ServiceKit

/// Knows principals from the database, and remembers for a moment whom it found. While `run` runs it hears of every change
/// and forgets what that touches as soon as the database tells of it; of changes through an `IdentityStore` that it was
/// given to it knows before they return. What it misses it forgets after `Limits.lifetime`.
public final class IdentitySource: PrincipalSource, Service {
    public struct Limits: Sendable {
        /// How long what was found counts without being asked for again.
        public var lifetime = Duration.seconds(10)
        /// At least so many credentials are remembered by each thread, and at most twice as many.
        public var entries = 4096

        public init() {}
    }

    public let serviceName = "identity"
    private let pool: PostgresPool
    private let limits: Limits
    private let clock: any LoopClock
    private let cache: IdentityCache

    public init(_ pool: PostgresPool, limits: Limits = Limits(), clock: any LoopClock = MonotonicClock()) {
        self.pool = pool
        self.limits = limits
        self.clock = clock
        cache = IdentityCache(entries: limits.entries)
    }

    public func known(_ credential: Credential) -> KnownPrincipal { cache.known(credential, now: clock.now) }

    public func find(_ credential: Credential) async throws -> FoundPrincipal {
        let epoch = cache.epoch
        switch credential {
        case .token(let proof): return try await find(proof, epoch)
        case .certificate(let certificate):
            let record = try await GrantsRecord.find(certificates: certificate.accessNames, in: pool)
            keep(.certificate(certificate.fingerprint), record, since: epoch)
            return record?.found ?? .unknown
        }
    }

    private func find(_ proof: TokenProof, _ epoch: Int) async throws -> FoundPrincipal {
        let record = try await GrantsRecord.find(token: proof.id, in: pool)
        keep(.token(proof.number), record, since: epoch)
        guard let record, record.digest == proof.digest else { return .unknown }
        if case .granted = record.found, record.isUseOld {
            // For whoever cleans up: that it can't be written down just now keeps nobody out.
            _ = try? await pool.execute(
                """
                UPDATE identity.tokens SET last_used = now()
                WHERE id = \(proof.id) AND (last_used IS NULL OR last_used < now() - interval '10 minutes')
                """)
        }
        return record.found
    }

    private func keep(_ key: IdentityCache.Key, _ record: GrantsRecord?, since epoch: Int) {
        let now = clock.now
        var refresh = now.advanced(by: limits.lifetime)
        var end = now.advanced(by: limits.lifetime * 3 / 2)
        // To the moment: a token that expires meanwhile does not count a little longer.
        if case .granted? = record?.found, let left = record?.timeLeft {
            let expiry = now.advanced(by: left)
            (refresh, end) = (min(refresh, expiry), min(end, expiry))
        }
        cache.keep(
            key,
            IdentityCache.Entry(
                digest: record?.digest, found: record?.found ?? .unknown, principal: record?.principal.id,
                refresh: refresh, end: end), since: epoch)
    }

    /// Listens for changes until its task is cancelled or its group stops.
    /// - Throws: `PostgresError` where the server refuses for good.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await change in self.pool.notifications(IdentitySchema.channel) { self.hear(change) }
            }
            group.addTask { try await StopSignal.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Forgets what a change touches.
    func hear(_ change: PostgresNotifications.Element) {
        guard case .notification(let notification) = change else { return forget(.everything) }
        forget(IdentityNews(payload: notification.payload))
    }

    /// Forgets what a change touches; what is being read just now is not kept either. The store of the same process says
    /// so itself, as soon as its change is done.
    func forget(_ news: IdentityNews) { cache.forget(news) }
}
