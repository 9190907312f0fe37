import Journal
import Loop
import Postgres
import ServiceKit

/// Looks after a journal for as long as it runs: makes partitions before their month comes, chains what was appended,
/// drops what need not be kept.
///
/// Of all instances on a database one does so at a time: whose session holds an advisory lock. The others try again now
/// and then. A failure, and a database that is away, is logged, counted and tried again; it never ends the service.
public final class JournalKeeper: Service {
    public let serviceName = "journal keeper"

    private let pool: PostgresPool
    private let journal: Journal
    private let settings: JournalKeeperSettings
    private let loop: EventLoop
    private let logger: Logger
    private let metrics: KeeperMetrics

    /// - Parameters:
    ///   - loop: its clock is the one that tells when something is due.
    ///   - metrics: one keeper for each registry.
    public init(
        _ pool: PostgresPool, settings: JournalKeeperSettings, loop: EventLoop, logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.pool = pool
        self.settings = settings
        self.loop = loop
        self.logger = logger.part("journal")
        self.metrics = KeeperMetrics(metrics)
        journal = Journal(pool)
    }

    /// Returns when the service is asked to stop; what is under way is rolled back then, and done by the next keeper.
    /// - Throws: `CancellationError` alone.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keep() }
            group.addTask { try await StopSignal.wait() }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    private func keep() async throws {
        while true {
            do {
                try await keepWhileLocked()
            } catch {
                try Task.checkCancellation()
                metrics.failures.with("lock").add()
                logger.warning("the journal has no keeper here for now", ["error": .string("\(error)")])
            }
            try await loop.sleep(for: settings.retryAfter)
        }
    }

    /// Returns at once where another keeps the journal.
    private func keepWhileLocked() async throws {
        let session = try await pool.connect()
        defer { session.close() }
        let isMine = try await session.query(
            "SELECT pg_try_advisory_lock(hashtextextended('slipway journal keeper', 0))")
        guard try isMine.all(Bool.self) == [true] else { return }
        metrics.isKeeper.set(1)
        defer { metrics.isKeeper.set(0) }
        logger.info("keeps the journal from now on")
        var schedule = KeeperSchedule(settings, now: loop.clock.now)
        while true {
            for duty in schedule.due(loop.clock.now) {
                // Where the session is gone, so is the lock.
                _ = try await session.query("SELECT 1")
                if try await attempt(duty) {
                    schedule.done(duty, loop.clock.now)
                } else {
                    schedule.failed(duty, loop.clock.now)
                }
            }
            let pause = loop.clock.now.duration(to: schedule.next)
            if pause > .zero { try await loop.sleep(for: pause) }
        }
    }

    private func attempt(_ duty: KeeperDuty) async throws -> Bool {
        do {
            try await perform(duty)
            return true
        } catch {
            try Task.checkCancellation()
            metrics.failures.with(duty.rawValue).add()
            logger.warning(
                "the journal's upkeep failed", ["duty": .string(duty.rawValue), "error": .string("\(error)")])
            return false
        }
    }

    private func perform(_ duty: KeeperDuty) async throws {
        switch duty {
        case .partitions:
            let made = try await journal.makePartitions(ahead: settings.monthsAhead)
            guard !made.isEmpty else { return }
            metrics.partitionsMade.add(made.count)
            logger.info("made partitions", ["partitions": .string(made.joined(separator: " "))])
        case .seal:
            let batch = max(1, settings.sealBatch)
            var sealed = 0
            var last = batch
            while last == batch {
                last = try await journal.seal(limit: batch)
                metrics.sealed.add(last)
                sealed += last
            }
            if sealed > 0 { logger.debug("sealed entries", ["entries": .integer(sealed)]) }
        case .retire:
            guard let months = settings.retainMonths else { return }
            let dropped = try await journal.retire(keepingMonths: months)
            guard !dropped.isEmpty else { return }
            metrics.partitionsRetired.add(dropped.count)
            logger.notice("dropped months", ["partitions": .string(dropped.joined(separator: " "))])
        }
    }
}

/// What a keeper counts.
private struct KeeperMetrics: Sendable {
    let isKeeper: Gauge
    let sealed: Counter
    let partitionsMade: Counter
    let partitionsRetired: Counter
    let failures: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        isKeeper = registry.gauge("slipway_journal_keeper", "1 where this process looks after the journal.")
        sealed = registry.counter("slipway_journal_sealed_entries_total", "Entries chained by their hashes.")
        partitionsMade = registry.counter("slipway_journal_partitions_made_total", "Partitions made.")
        partitionsRetired = registry.counter("slipway_journal_partitions_retired_total", "Months dropped.")
        failures = registry.counters(
            "slipway_journal_upkeep_failures_total", "Attempts at the journal's upkeep that failed.", labels: ["duty"])
    }
}
