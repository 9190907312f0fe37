import Loop
import Synchronization

/// Lends connections. Each loop has its own, so that a caller on a loop neither hops nor waits for a lock; callers from
/// elsewhere are spread over the loops. Nothing connects before somebody asks, or `run` keeps the minimum.
public final class ConnectionPool<Connector: PoolConnector>: Sendable {
    private let shards: [PoolShard<Connector>]
    private let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// - Parameter limits: those of each loop.
    public init(connector: Connector, limits: PoolLimits, loops: [EventLoop]) {
        precondition(!loops.isEmpty, "a pool needs a loop")
        self.loops = loops
        shards = loops.map { PoolShard(loop: $0, connector: connector, limits: limits) }
    }

    /// Lends a connection until `PoolLease.release`. `timeout` may only shorten what the limits say.
    /// - Throws: `PoolError`, or `CancellationError` where the task is cancelled while it waits.
    public func lease(timeout: Duration? = nil) async throws -> PoolLease<Connector> {
        let shard = nextShard()
        if shard.loop.isCurrent, let lease = shard.leaseNow() { return lease }
        let wait = PoolWait<Connector>()
        // Not asked again below: a task that only visits the loop's thread goes on elsewhere after this.
        let hasAsked = shard.loop.isCurrent
        if hasAsked {
            shard.acquire(wait, timeout: timeout)
            if let early = wait.early { return try early.get() }
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                shard.loop.run {
                    if let early = wait.early { return continuation.resume(with: early) }
                    wait.continuation = continuation
                    if !hasAsked { shard.acquire(wait, timeout: timeout) }
                }
            }
        } onCancel: {
            shard.loop.run { shard.cancel(wait) }
        }
    }

    /// Lends a connection for as long as `body` runs.
    public func withConnection<Result>(
        timeout: Duration? = nil, _ body: (Connector.Connection) async throws -> Result
    ) async throws -> Result {
        let lease = try await lease(timeout: timeout)
        defer { lease.release() }
        return try await body(lease.connection)
    }

    /// Keeps the minimum open until the task is cancelled, then closes the pool.
    public func run() async {
        for shard in shards { shard.loop.run { shard.keepMinimum() } }
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        await close()
    }

    /// Refuses whoever waits or comes, and returns when everything that is lent came back and is closed. The loops must
    /// still run.
    public func close() async {
        for shard in shards {
            await withCheckedContinuation { continuation in
                shard.loop.run { shard.close { continuation.resume() } }
            }
        }
    }

    public func counts() async throws -> PoolCounts {
        var sum = PoolCounts()
        for shard in shards { sum += try await shard.loop.submit { shard.counts } }
        return sum
    }

    private func nextShard() -> PoolShard<Connector> {
        if let current = EventLoop.current {
            // Over what is not generic: a search of the shards looks for the metadata of their type each time.
            for index in 0..<loops.count where loops[index] === current { return shards[index] }
        }
        return shards[(turn.add(1, ordering: .relaxed).oldValue & Int.max) % shards.count]
    }
}

/// A connection on loan.
public struct PoolLease<Connector: PoolConnector>: Sendable {
    public let connection: Connector.Connection
    let id: Int
    let shard: PoolShard<Connector>

    /// Gives the connection back, once.
    public func release() {
        if shard.loop.isCurrent { shard.release(id) } else { shard.loop.execute { [self] in shard.release(id) } }
    }
}
