import Loop
import Postgres

/// One attempt under way in this process: its handler's task, and why it was asked to stop.
final class ActivityRun: Sendable {
    enum Stop: Sendable {
        case cancelRequested
        case shutdown
        case leaseLost
    }

    private struct State {
        var task: Task<PostgresJSON?, any Error>?
        var stop: Stop?
    }
    let isResumable: Bool
    private let state = Lock(State())

    init(isResumable: Bool) { self.isResumable = isResumable }

    /// The first reason stands, but for the loss of the lease, after which nothing else matters.
    var stopReason: Stop? { state.withLock { $0.stop } }

    func stop(_ reason: Stop) {
        let task = state.withLock { state in
            if state.stop == nil || reason == .leaseLost { state.stop = reason }
            return state.task
        }
        task?.cancel()
    }

    /// Runs the handler in a task of its own, so that it alone is cancelled and what follows is not.
    func execute(
        _ body: @escaping @Sendable () async throws -> PostgresJSON?
    ) async -> Result<PostgresJSON?, any Error> {
        let task = Task { try await body() }
        let isStopped = state.withLock { state in
            state.task = task
            return state.stop != nil
        }
        if isStopped { task.cancel() }
        return await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            stop(.leaseLost)
        }
    }
}
