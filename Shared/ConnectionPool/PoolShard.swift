import Loop

/// The connections of one loop. Confined to it. Nothing refers to it weakly: a side table would slow every use of it down;
/// what its connections and timer hold of it they let go of when they close.
final class PoolShard<Connector: PoolConnector>: @unchecked Sendable {
    typealias Connection = Connector.Connection

    let loop: EventLoop
    private let connector: Connector
    private var state: PoolState
    private var connections: [Int: Connection] = [:]
    private var waiting: [Int: PoolWait<Connector>] = [:]
    private var nextWaiter = 0
    private var timer: LoopTimer?
    private var lastFailure: PoolConnectFailure?
    private var onEmpty: (() -> Void)?

    init(loop: EventLoop, connector: Connector, limits: PoolLimits) {
        self.loop = loop
        self.connector = connector
        state = PoolState(limits: limits, seed: UInt64.random(in: .min ... .max))
    }

    /// Asks for a connection; `wait` is resumed when there is one or when there will be none.
    func acquire(_ wait: PoolWait<Connector>, timeout: Duration?) {
        guard !wait.isCancelled else { return wait.resume(.failure(CancellationError())) }
        nextWaiter += 1
        wait.id = nextWaiter
        wait.timeout = min(timeout ?? state.limits.acquireTimeout, state.limits.acquireTimeout)
        waiting[nextWaiter] = wait
        let now = loop.clock.now
        perform(state.acquire(nextWaiter, now: now, deadline: now.advanced(by: wait.timeout)))
    }

    /// A connection without waiting, where one is idle.
    func leaseNow() -> PoolLease<Connector>? {
        guard let id = state.lendNow(loop.turnStart), let connection = connections[id] else { return nil }
        return PoolLease(connection: connection, id: id, shard: self)
    }

    func cancel(_ wait: PoolWait<Connector>) {
        wait.isCancelled = true
        guard waiting.removeValue(forKey: wait.id) != nil else { return }
        state.cancel(wait.id)
        wait.resume(.failure(CancellationError()))
    }

    func release(_ id: Int) {
        let isReusable = connections[id]?.isReusable ?? false
        if isReusable, state.returnNow(id, loop.turnStart) { return setTimer() }
        perform(state.released(id, isReusable: isReusable, now: loop.turnStart))
    }

    func keepMinimum() { perform(state.keepMinimum(now: loop.clock.now)) }

    /// Closes what is idle now and the rest when it comes back; `completion` is called when all is gone.
    func close(_ completion: @escaping () -> Void) {
        onEmpty = completion
        perform(state.close())
    }

    var counts: PoolCounts {
        PoolCounts(open: connections.count, idle: state.idleCount, waiting: state.waiters.count)
    }

    private func perform(_ actions: [PoolState.Action]) {
        for action in actions {
            switch action {
            case .connect(let id): connect(id)
            case .lease(let id, let waiter): lease(id, to: waiter)
            case .check(let id):
                connections[id]?.check { [self] isAlive in
                    perform(state.checked(id, isAlive: isAlive, now: loop.clock.now))
                }
            case .close(let id): connections.removeValue(forKey: id)?.close()
            case .refuse(let waiter, let reason):
                guard let wait = waiting.removeValue(forKey: waiter) else { continue }
                wait.resume(.failure(error(reason, wait)))
            }
        }
        setTimer()
        if state.isClosed, state.members.isEmpty, let done = onEmpty {
            onEmpty = nil
            timer?.cancel()
            done()
        }
    }

    private func lease(_ id: Int, to waiter: Int) {
        guard let connection = connections[id], let wait = waiting.removeValue(forKey: waiter) else {
            return perform(state.released(id, isReusable: connections[id] != nil, now: loop.clock.now))
        }
        wait.resume(.success(PoolLease(connection: connection, id: id, shard: self)))
    }

    private func connect(_ id: Int) {
        connector.connect(on: loop) { [self] result in
            let now = loop.clock.now
            switch result {
            case .success(let connection):
                connections[id] = connection
                connection.onClose { [self] in
                    connections[id] = nil
                    perform(state.lost(id, now: loop.clock.now))
                }
                perform(state.connected(id, now: now))
            case .failure(let failure):
                lastFailure = failure
                perform(state.connectFailed(id, isPermanent: failure.isPermanent, now: now))
            }
        }
    }

    /// The hot path leaves the timer alone: a connection that falls idle later only makes it come too early.
    private func setTimer() {
        if let timer, timer.isPending {
            guard let urgent = state.urgentDeadline, urgent < timer.deadline else { return }
        }
        guard let deadline = state.nextDeadline else { return }
        timer?.cancel()
        timer = loop.schedule(at: deadline) { [self] in perform(state.tick(now: loop.clock.now)) }
    }

    private func error(_ reason: PoolState.Refusal, _ wait: PoolWait<Connector>) -> PoolError {
        switch reason {
        case .tooMany: .tooManyWaiting(limit: state.limits.waitersMax, connections: connections.count)
        case .timedOut:
            .timedOut(
                after: wait.timeout, connections: connections.count,
                lastFailure: state.failures > 0 ? lastFailure?.cause : nil)
        case .cannotConnect: lastFailure.map { .cannotConnect($0.cause) } ?? .closed
        case .closed: .closed
        }
    }
}

/// How a pool stands.
public struct PoolCounts: Equatable, Sendable {
    public var open = 0
    public var idle = 0
    public var waiting = 0

    static func += (left: inout PoolCounts, right: PoolCounts) {
        left.open += right.open
        left.idle += right.idle
        left.waiting += right.waiting
    }
}

/// One caller that waits for a connection. Confined to the shard's loop.
final class PoolWait<Connector: PoolConnector>: @unchecked Sendable {
    var id = 0
    var timeout = Duration.zero
    var isCancelled = false
    var continuation: CheckedContinuation<PoolLease<Connector>, any Error>?
    /// What came before anybody waited for it.
    var early: Result<PoolLease<Connector>, any Error>?

    func resume(_ result: Result<PoolLease<Connector>, any Error>) {
        guard let continuation else {
            early = result
            return
        }
        self.continuation = nil
        continuation.resume(with: result)
    }
}
