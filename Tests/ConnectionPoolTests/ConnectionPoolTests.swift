import Loop
import Synchronization
import Testing

@testable import ConnectionPool

private final class FakeConnection: PooledConnection, @unchecked Sendable {
    var isReusable = true
    var isAlive = true
    let closed = Atomic<Bool>(false)
    private var observer: (() -> Void)?
    func check(_ completion: @escaping (Bool) -> Void) { completion(isAlive) }
    func close() { closed.store(true, ordering: .relaxed) }
    func onClose(_ body: @escaping () -> Void) { observer = body }
    func breakDown() { observer?() }
}

private final class FakeConnector: PoolConnector {
    let made = Atomic<Int>(0)
    func connect(
        on loop: EventLoop, _ completion: @escaping @Sendable (Result<FakeConnection, PoolConnectFailure>) -> Void
    ) {
        made.add(1, ordering: .relaxed)
        loop.execute { completion(.success(FakeConnection())) }
    }
}

/// Lives on a loop, in tasks that prefer no executor: what is of no actor runs elsewhere for them.
private actor Resident {
    private let loop: EventLoop
    init(_ loop: EventLoop) { self.loop = loop }
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serial.asUnownedSerialExecutor() }

    func visit(_ pool: ConnectionPool<FakeConnector>) async throws { try await pool.lease().release() }
}

@Suite struct ConnectionPoolTests {
    private func withPool(
        _ change: (inout PoolLimits) -> Void,
        _ body: (ConnectionPool<FakeConnector>, FakeConnector, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let group = try LoopGroup(count: 1, clock: clock)
        try group.start()
        let connector = FakeConnector()
        var limits = PoolLimits()
        change(&limits)
        let pool = ConnectionPool(connector: connector, limits: limits, loops: group.loops)
        try await body(pool, connector, clock)
        await pool.close()
        group.stop()
    }

    @Test("a caller that waits too long is told so by the clock of the loop")
    func timeout() async throws {
        try await withPool { limits in
            limits.connectionsMax = 1
            limits.acquireTimeout = .seconds(5)
        } _: { pool, _, clock in
            let lease = try await pool.lease()
            let waiting = Task { try await pool.lease() }
            while try await pool.counts().waiting == 0 { await Task.yield() }
            clock.advance(by: .seconds(6))
            await #expect(throws: PoolError.self) { try await waiting.value }
            lease.release()
        }
    }

    @Test("a cancelled caller leaves the queue and takes no connection with it")
    func cancellation() async throws {
        try await withPool {
            $0.connectionsMax = 1
        } _: { pool, _, _ in
            let lease = try await pool.lease()
            let waiting = Task { try await pool.lease() }
            while try await pool.counts().waiting == 0 { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(try await pool.counts().waiting == 0)
            lease.release()
            let again = try await pool.lease()
            again.release()
        }
    }

    @Test("an actor of the loop whose task leaves it while it waits takes one connection and no more")
    func visitors() async throws {
        let group = try LoopGroup(count: 1)
        try group.start()
        let loop = group.next()
        var limits = PoolLimits()
        limits.connectionsMax = 2
        let pool = ConnectionPool(connector: FakeConnector(), limits: limits, loops: group.loops)
        let resident = Resident(loop)
        for _ in 0..<200 {
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 { group.addTask { try await resident.visit(pool) } }
                try await group.waitForAll()
            }
        }
        await pool.close()
        let counts = try await pool.counts()
        #expect(counts == PoolCounts())
        group.stop()
    }

    @Test("a connection older than its lifetime is replaced")
    func lifetime() async throws {
        try await withPool {
            $0.lifetime = .seconds(100)
        } _: { pool, connector, clock in
            let first = try await pool.lease()
            clock.advance(by: .seconds(101))
            first.release()
            let second = try await pool.lease()
            let isClosed = first.connection.closed.load(ordering: .relaxed)
            #expect(isClosed)
            let made = connector.made.load(ordering: .relaxed)
            #expect(made == 2)
            second.release()
        }
    }

    @Test("run keeps the minimum open and closes everything when cancelled")
    func run() async throws {
        try await withPool {
            $0.connectionsMin = 3
        } _: { pool, _, _ in
            let running = Task { await pool.run() }
            while try await pool.counts().idle < 3 { await Task.yield() }
            running.cancel()
            await running.value
            #expect(try await pool.counts().open == 0)
            await #expect(throws: PoolError.self) { try await pool.lease() }
        }
    }

    @Test("five hundred callers share eight connections and all are served")
    func contention() async throws {
        try await withPool {
            $0.connectionsMax = 8
        } _: { pool, connector, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<500 { group.addTask { try await pool.withConnection { _ in await Task.yield() } } }
                try await group.waitForAll()
            }
            let made = connector.made.load(ordering: .relaxed)
            #expect(made <= 8)
        }
    }
}
