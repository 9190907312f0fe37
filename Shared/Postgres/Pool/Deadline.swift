import Loop

/// The time that a call has for all of its attempts.
struct Deadline {
    private let timeout: Duration
    private let end: ContinuousClock.Instant
    private var attempts = 0

    init(_ timeout: Duration) {
        self.timeout = timeout
        end = .now + timeout
    }

    /// Never negative; an attempt that begins with nothing left fails at once, and honestly.
    var left: Duration { max(.zero, ContinuousClock.now.duration(to: end)) }

    /// What the attempt has: all of it for the first, which need not ask for the time again.
    var ofAttempt: Duration { attempts == 0 ? timeout : left }

    /// Waits a little, longer each time and never the same for two callers.
    /// - Throws: `error` where no time is left for another attempt.
    mutating func pauseBeforeRetry(after error: any Error, on loops: [EventLoop]) async throws {
        guard !((error as? PostgresError)?.isPermanentRefusal ?? false) else { throw error }
        attempts += 1
        let limit = Duration.milliseconds(10) * (1 << min(attempts, 6))
        let pause = limit * Double.random(in: 0.5...1)
        guard pause < left, attempts < 100, let loop = EventLoop.current ?? loops.first else { throw error }
        try await loop.sleep(for: pause)
    }
}
