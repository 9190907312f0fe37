import Loop

/// One suspended task that waits for something on a loop. Confined to that loop; cancelling may come before the waiting.
final class LoopWait<Value: Sendable>: @unchecked Sendable {
    private var continuation: CheckedContinuation<Value, any Error>?
    private var isCancelled = false

    var isPending: Bool { continuation != nil }

    /// - Returns: false where the task was cancelled before; it goes on with `CancellationError` then.
    fileprivate func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
        guard !isCancelled else {
            continuation.resume(throwing: CancellationError())
            return false
        }
        self.continuation = continuation
        return true
    }

    func resume(_ result: Result<Value, any Error>) {
        let continuation = self.continuation
        self.continuation = nil
        continuation?.resume(with: result)
    }

    fileprivate func cancel() {
        isCancelled = true
        resume(.failure(CancellationError()))
    }
}

extension EventLoop {
    /// Suspends the task until what `register` was given is resumed. `register` runs on the loop.
    /// - Throws: `CancellationError` as soon as the task is cancelled, else what it is resumed with.
    func wait<Value: Sendable>(_ register: @escaping @Sendable (LoopWait<Value>) -> Void) async throws -> Value {
        let wait = LoopWait<Value>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                run { if wait.begin(continuation) { register(wait) } }
            }
        } onCancel: {
            run { wait.cancel() }
        }
    }
}
