import CLinux
import Glibc

/// Threads for work that blocks or burns, so that loops never do. It is a task executor
/// (`withTaskExecutorPreference(pool)`) and takes plain closures; the queue of the latter is bounded.
public final class ComputePool: TaskExecutor, @unchecked Sendable {
    private enum Work {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
        /// Taken already, or none will come.
        case nothing
    }
    private struct State {
        var queue: [Work] = []
        var head = 0
        var waitingBodies = 0
        var threads: [pthread_t] = []
        var isStopping = false
    }

    public let threadCount: Int
    public let queueLimit: Int
    private let name: String
    private let state = Condition(State())

    /// - Parameters:
    ///   - threads: how many run at once.
    ///   - queueLimit: how many closures may wait; the next one is refused with `ComputePoolError.full`. Jobs of tasks
    ///     are never refused, because a task that can't go on can't even fail.
    public init(threads: Int, queueLimit: Int = 1024, name: String = "compute") {
        threadCount = max(1, threads)
        self.queueLimit = queueLimit
        self.name = name
    }

    /// How many closures wait now.
    public var waitingCount: Int { state.withLock { $0.waitingBodies } }

    /// Starts the threads. Does nothing the second time.
    public func start() throws {
        try state.withLock { state in
            guard state.threads.isEmpty else { return }
            state.isStopping = false
            for index in 0..<threadCount {
                state.threads.append(try startThread(named: "\(name)-\(index)") { [self] in work() })
            }
        }
    }

    /// Lets the threads finish what is queued and waits for them.
    public func stop() {
        let threads = state.change(wakingAll: true) { state in
            state.isStopping = true
            defer { state.threads = [] }
            return state.threads
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.change { $0.queue.append(.job(job)) }
    }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// Runs `body` on one of the pool's threads.
    /// - Throws: `ComputePoolError.full` where the queue is full, else what `body` throws.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = submit { continuation.resume(with: Swift.Result { try body() }) }
            if !accepted { continuation.resume(throwing: ComputePoolError.full(limit: queueLimit)) }
        }
    }

    /// Has `body` run on one of the pool's threads, and tells nobody when it is done.
    /// - Returns: false where the queue is full or the pool stops; `body` is not run then.
    public func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        state.change { state in
            guard state.waitingBodies < queueLimit, !state.isStopping else { return false }
            state.waitingBodies += 1
            state.queue.append(.body(body))
            return true
        }
    }

    private func work() {
        while true {
            switch state.wait(ComputePool.take) {
            case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
            case .body(let body): body()
            case .nothing: return
            }
        }
    }

    /// What to do next; `nothing` at the end, nil while there is nothing yet.
    private static func take(_ state: inout State) -> Work? {
        guard state.head < state.queue.count else { return state.isStopping ? .nothing : nil }
        let next = state.queue[state.head]
        // What a closure holds (files, locks) must go when it has run, and not when the queue is tidied up.
        state.queue[state.head] = .nothing
        state.head += 1
        if state.head > 64, state.head * 2 > state.queue.count {
            state.queue.removeFirst(state.head)
            state.head = 0
        }
        if case .body = next { state.waitingBodies -= 1 }
        return next
    }
}

/// Why the pool refused work.
public enum ComputePoolError: Error, Equatable, CustomStringConvertible {
    case full(limit: Int)

    public var description: String {
        switch self {
        case .full(let limit): "the compute pool's queue is full (\(limit) waiting)"
        }
    }
}
