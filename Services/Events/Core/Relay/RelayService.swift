import Leases
public import Loop
public import Postgres
public import Secrets
public import ServiceKit

/// Runs a relay: takes its share of the shards, as many instances as there are sharing them alike.
///
/// Each instance holds a lease of its own while it lives, by which the others count it. A shard that nobody holds is taken
/// by whoever has fewer than its share; who has more gives one back.
public final class RelayService: Service {
    public let serviceName = "relay"
    static let shardKind = "events.shard"
    static let instanceKind = "events.instance"

    let relay: Relay
    private let feed: JournalFeed
    private let leases: Leases
    private let orders: OrderReader
    private let pool: PostgresPool
    private let settings: RelaySettings
    private let logger: Logger
    private let loop: EventLoop
    private let signals: PostgresSignals
    private let held = Lock<[Int: Task<Void, Never>]>([:])

    /// - Parameters:
    ///   - holder: names the instance: no two that live may have the same.
    ///   - feed: of the same loop.
    public init(
        _ pool: PostgresPool, parts: Relay.Parts, feed: JournalFeed, mapping: any EventMapping,
        filters: any EventFilterParsing, secrets: SecretStore, holder: String, loop: EventLoop
    ) {
        self.pool = pool
        self.feed = feed
        self.loop = loop
        settings = parts.settings
        logger = parts.logger
        leases = Leases(pool, holder: holder, loop: loop)
        orders = OrderReader(pool: pool, secrets: secrets, filters: filters)
        signals = PostgresSignals(pool, channels: [EventsSchema.channel, Leases.channel])
        relay = Relay(parts, feed: feed, store: RelayStore(pool: pool, mapping: mapping), loop: loop)
    }

    /// Returns when it is asked to stop, with everything written that it knows.
    public func run() async throws {
        StopSignal.started()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await StopSignal.wait() }
            group.addTask { try await self.signals.run() }
            group.addTask(executorPreference: self.loop) { try await self.feed.run() }
            group.addTask(executorPreference: self.loop) { try await self.relay.watch() }
            group.addTask { try await self.share() }
            group.addTask { try await self.prune() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func share() async throws {
        while true {
            do {
                try await leases.withLease(
                    RelayService.instanceKind, leases.holder, for: settings.leaseDuration
                ) { _ in try await self.takeShards() }
            } catch {
                try Task.checkCancellation()
                logger.warning("deliveries pause here for a moment", ["error": .string("\(error)")])
                try await loop.sleep(for: .seconds(1))
            }
        }
    }

    private func takeShards() async throws {
        let topic = PostgresSignals.Topic(Leases.channel, RelayService.shardKind)
        try await signals.withBell([topic]) { bell in
            do {
                while true {
                    try await balance()
                    try await bell.wait(upTo: .seconds(1), on: loop)
                }
            } catch {
                await Task { await self.giveBack(all: true, above: 0) }.value
                throw error
            }
        }
    }

    private func balance() async throws {
        let mine = held.withLock { Set($0.keys) }
        let (fair, free) = try await look(except: mine)
        for shard in free.prefix(max(0, fair - mine.count)) {
            guard
                let lease = try await leases.claim(RelayService.shardKind, "\(shard)", for: settings.leaseDuration)
            else { continue }
            held.withLock { held in
                held[shard] = Task {
                    await self.hold(shard, lease)
                    self.held.withLock { _ = $0.removeValue(forKey: shard) }
                }
            }
        }
        await giveBack(all: false, above: fair)
    }

    private func giveBack(all: Bool, above fair: Int) async {
        let held = held.withLock { $0 }
        let surplus = held.sorted { $0.key > $1.key }.prefix(all ? held.count : max(0, held.count - fair))
        for (_, task) in surplus { task.cancel() }
        for (_, task) in surplus { await task.value }
    }

    /// Works on a shard for as long as its lease is held.
    private func hold(_ shard: Int, _ lease: Lease) async {
        let topic = PostgresSignals.Topic(EventsSchema.channel, "\(shard)")
        do {
            try await signals.withBell([topic]) { changes in
                try await leases.keep(lease) { lease in
                    try await self.relay.serve(shard, lease, orders: self.orders, changes: changes)
                }
            }
        } catch {
            await relay.abandon(shard)
        }
        await Task { try? await self.leases.release(lease) }.value
    }

    /// How many shards are this instance's share, and which nobody holds.
    private func look(except mine: Set<Int>) async throws -> (fair: Int, free: [Int]) {
        let rows = try await pool.query(
            """
            SELECT kind, name FROM leases.leases
            WHERE kind = ANY(\([RelayService.shardKind, RelayService.instanceKind])) AND holder IS NOT NULL
                AND claimable_at > clock_timestamp()
            """
        ).all((String, String).self)
        let instances = max(1, rows.count { $0.0 == RelayService.instanceKind })
        let taken = Set(rows.filter { $0.0 == RelayService.shardKind }.compactMap { Int($0.1) })
        let fair = (EventsSchema.shards + instances - 1) / instances
        return (fair, (0..<EventsSchema.shards).filter { !taken.contains($0) && !mine.contains($0) })
    }

    /// Forgets what is kept for a while only.
    private func prune() async throws {
        while true {
            do {
                let deliveries = settings.keepDeliveries.wholeNanoseconds / 1000
                let letters = settings.keepDeadLetters.wholeNanoseconds / 1000
                try await pool.execute(
                    """
                    DELETE FROM events.deliveries WHERE number IN (
                        SELECT number FROM events.deliveries
                        WHERE at < now() - \(deliveries) * interval '1 microsecond' LIMIT 10000)
                    """)
                try await pool.execute(
                    "DELETE FROM events.dead_letters WHERE died < now() - \(letters) * interval '1 microsecond'")
                try await pool.execute(
                    """
                    DELETE FROM leases.leases
                    WHERE kind = \(RelayService.instanceKind) AND claimable_at < now() - interval '1 hour'
                    """)
            } catch {
                try Task.checkCancellation()
                logger.warning("what is old could not be removed", ["error": .string("\(error)")])
            }
            try await loop.sleep(for: .seconds(60))
        }
    }
}
