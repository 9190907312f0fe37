import Loop

/// Wakes one task at a time. Rings that come while nobody waits are kept as one: whoever waits next returns at once.
public final class PostgresBell: Sendable {
    private struct State {
        var isRung = false
        /// Counts the waits; an end that comes for an earlier one is nothing.
        var number = 0
        /// Says that the wait of this number is over, should it still begin.
        var over = 0
        var waiting: CheckedContinuation<Void, any Error>?
    }
    private let state = Lock(State())

    public init() {}

    /// From any thread.
    public func ring() {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            if state.waiting == nil { state.isRung = true }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when the bell rings, or when `limit` has passed on the loop's clock.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func wait(upTo limit: Duration, on loop: EventLoop) async throws {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let alarm = Task(executorPreference: loop) {
            // A loop that stops ends its sleepers too.
            try? await loop.sleep(for: limit)
            self.end(number, nil)
        }
        defer { alarm.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isRung || state.over == number {
                        state.isRung = false
                        return .success(())
                    }
                    state.waiting = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            end(number, CancellationError())
        }
    }

    private func end(_ number: Int, _ error: (any Error)?) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard state.number == number else { return nil }
            state.over = number
            defer { state.waiting = nil }
            return state.waiting
        }
        if let error { waiting?.resume(throwing: error) } else { waiting?.resume() }
    }
}
