extension EventLoop {
    /// Calls `body` on the loop when `delay` has passed, unless cancelled. On the loop's thread.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        schedule(at: clock.now.advanced(by: delay), body)
    }

    /// Calls `body` on the loop at `deadline`, unless cancelled. On the loop's thread.
    @discardableResult
    public func schedule(at deadline: LoopInstant, _ body: @escaping () -> Void) -> LoopTimer {
        let timer = LoopTimer(deadline: deadline, loop: self, body: body)
        timers.insert(timer)
        return timer
    }

    /// Suspends the task for `duration` of this loop's clock. From any executor.
    /// - Throws: `CancellationError` at once when the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        let sleeper = Sleeper(loop: self)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                run { sleeper.start(for: duration, continuation) }
            }
        } onCancel: {
            run { sleeper.cancel() }
        }
    }
}

/// One sleeping task. Confined to its loop; cancelling may come before the start.
private final class Sleeper: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: CheckedContinuation<Void, any Error>?
    private var timer: LoopTimer?
    private var isCancelled = false

    init(loop: EventLoop) { self.loop = loop }

    func start(for duration: Duration, _ continuation: CheckedContinuation<Void, any Error>) {
        guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
        self.continuation = continuation
        timer = loop.schedule(after: duration) { [self] in
            self.continuation?.resume()
            self.continuation = nil
        }
        // A loop that stops before the time comes must not leave the task asleep for ever.
        timer?.dropped = { [weak self] in self?.cancel() }
    }

    func cancel() {
        isCancelled = true
        timer?.cancel()
        continuation?.resume(throwing: CancellationError())
        continuation = nil
    }
}
