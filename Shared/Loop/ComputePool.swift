import CLinux
import Glibc

/// Threads for work that blocks or burns, so that loops never do. It is a task executor
/// (`withTaskExecutorPreference(pool)`) and takes plain closures; the queue of the latter is bounded.
public final class ComputePool: TaskExecutor, @unchecked Sendable {
    private enum Work {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
        /// Taken already.
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
    private var state = State()
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// - Parameters:
    ///   - threads: how many run at once.
    ///   - queueLimit: how many closures may wait; the next one is refused with `ComputePoolError.full`. Jobs of tasks
    ///     are never refused, because a task that can't go on can't even fail.
    public init(threads: Int, queueLimit: Int = 1024, name: String = "compute") {
        threadCount = max(1, threads)
        self.queueLimit = queueLimit
        self.name = name
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// How many closures wait now.
    public var waitingCount: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return state.waitingBodies
    }

    /// Starts the threads. Does nothing the second time.
    public func start() throws {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard state.threads.isEmpty else { return }
        state.isStopping = false
        for index in 0..<threadCount {
            state.threads.append(try startThread(named: "\(name)-\(index)") { [self] in work() })
        }
    }

    /// Lets the threads finish what is queued and waits for them.
    public func stop() {
        pthread_mutex_lock(mutex)
        state.isStopping = true
        let threads = state.threads
        state.threads = []
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
        for thread in threads { pthread_join(thread, nil) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        state.queue.append(.job(job))
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
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

    private func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard state.waitingBodies < queueLimit, !state.isStopping else { return false }
        state.waitingBodies += 1
        state.queue.append(.body(body))
        pthread_cond_signal(condition)
        return true
    }

    private func work() {
        while let next = take() {
            switch next {
            case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
            case .body(let body): body()
            case .nothing: break
            }
        }
    }

    private func take() -> Work? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while state.head == state.queue.count {
            if state.isStopping { return nil }
            pthread_cond_wait(condition, mutex)
        }
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
