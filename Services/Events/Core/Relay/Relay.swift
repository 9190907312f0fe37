import Journal
import Loop
import Postgres
public import ServiceKit

/// Brings events to the subscriptions of the shards that this process holds (Docs/decisions/0004-relay.md).
///
/// One actor on one loop: what subscriptions have in memory is touched there alone. The journal is read once for all that
/// keep up; what went well costs a cursor now and then, and only what failed becomes a row.
public actor Relay {
    /// What it is made of, beside the database.
    public struct Parts: Sendable {
        public var sender: any EventSending
        public var retry: any RetryDeciding
        public var circuit: @Sendable () -> any DeliveryCircuit
        public var settings: RelaySettings
        public var metrics: RelayMetrics
        public var logger: Logger

        public init(
            sender: any EventSending, retry: any RetryDeciding, circuit: @escaping @Sendable () -> any DeliveryCircuit,
            settings: RelaySettings = RelaySettings(), metrics: RelayMetrics, logger: Logger
        ) {
            self.sender = sender
            self.retry = retry
            self.circuit = circuit
            self.settings = settings
            self.metrics = metrics
            self.logger = logger.part("relay")
        }
    }

    let parts: Parts
    let feed: JournalFeed
    let store: RelayStore
    let loop: EventLoop
    var runs: [Int64: SubscriptionRun] = [:]
    var isReadingOrders = false
    /// Attempts under way, of all subscriptions.
    var flying = 0
    /// Rung when something has to be written soon.
    let bells: [PostgresBell] = (0..<EventsSchema.shards).map { _ in PostgresBell() }

    init(_ parts: Parts, feed: JournalFeed, store: RelayStore, loop: EventLoop) {
        self.parts = parts
        self.feed = feed
        self.store = store
        self.loop = loop
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serial.asUnownedSerialExecutor() }

    /// Hands what is new to all subscriptions at once, as long as the task runs.
    func watch() async throws {
        var seen = try await untilAnswered { try await self.feed.now() }
        while true {
            try await feed.wait(after: seen, isCarrier: true)
            while let chunk = try await untilAnswered({ try await self.feed.chunk(after: seen) }) {
                seen = chunk.end
                let now = PostgresTimestamp.now
                for run in runs.values {
                    // Who is further behind reads for itself.
                    guard run.order.isActive, !run.isStopped, run.window.read >= chunk.start, run.hasRoom else {
                        refill(run)
                        continue
                    }
                    run.offer(chunk, now: now)
                    pump(run)
                }
            }
        }
    }

    /// Reads what a subscription missed while it had no room, was paused, or belonged to nobody.
    func refill(_ run: SubscriptionRun) {
        guard run.order.isActive, !run.isStopped, !run.isRefilling, run.hasRoom else { return }
        run.isRefilling = true
        start(run) { relay, run in
            defer { run.isRefilling = false }
            while !run.isStopped, run.order.isActive, run.hasRoom {
                // Where nothing new happens nobody else would ask again for what waits.
                let read = try? await relay.untilAnswered { try await relay.feed.chunk(after: run.window.read) }
                guard let chunk = read ?? nil else { return }
                guard !run.isStopped else { return }
                run.offer(chunk, now: .now)
                relay.pump(run)
                // Others have their turn between two chunks.
                await Task.yield()
            }
        }
    }

    /// Starts a task that ends with the run.
    func start(_ run: SubscriptionRun, _ body: @escaping @Sendable (isolated Relay, SubscriptionRun) async -> Void) {
        run.nextTask += 1
        let number = run.nextTask
        // What the library waits with would otherwise leave the loop for each wait.
        run.tasks[number] = Task(executorPreference: loop) {
            await body(self, run)
            run.tasks[number] = nil
        }
    }

    private func untilAnswered<Result>(_ body: () async throws -> Result) async throws -> Result {
        while true {
            do {
                return try await body()
            } catch {
                try Task.checkCancellation()
                parts.logger.warning("the journal can't be read", ["error": .string("\(error)")])
                try await loop.sleep(for: .milliseconds(500))
            }
        }
    }
}
