import Glibc

/// A value under a mutex, and threads that wait until it says what they wait for. Waiting blocks: never do it on a loop.
/// The mutex and its condition variable are plain, as in `Lock`.
public final class Condition<Value>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value

    public init(_ value: Value) {
        self.value = value
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

    /// Runs `body` with exclusive access, as a change that no waiting thread needs to hear of.
    public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// Runs `body` with exclusive access, then wakes one of the waiting threads, or all.
    public func change<Result>(wakingAll: Bool = false, _ body: (inout Value) throws -> Result) rethrows -> Result {
        try withLock { value in
            defer { _ = wakingAll ? pthread_cond_broadcast(condition) : pthread_cond_signal(condition) }
            return try body(&value)
        }
    }

    /// Blocks until `body` returns something. It is asked at once, and again after each change.
    public func wait<Result>(_ body: (inout Value) -> Result?) -> Result {
        withLock { value in
            while true {
                if let result = body(&value) { return result }
                pthread_cond_wait(condition, mutex)
            }
        }
    }

    /// The same, for at most `limit`; nil where nothing came.
    public func wait<Result>(atMost limit: Duration, _ body: (inout Value) -> Result?) -> Result? {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let end = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) + max(0, limit.wholeNanoseconds)
        var deadline = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        return withLock { value in
            while true {
                if let result = body(&value) { return result }
                if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { return body(&value) }
            }
        }
    }
}
