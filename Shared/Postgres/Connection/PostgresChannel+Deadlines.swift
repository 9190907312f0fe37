import CPostgreSQL
import Loop

extension PostgresChannel {
    /// The caller does not wait any more. What is on its way is cancelled on the server, and the caller goes on when the
    /// connection is clean again. On the loop.
    func cancel(_ operation: Operation) {
        guard operation.state != .done, !operation.isCancelled else { return }
        operation.isCancelled = true
        switch operation.state {
        case .new, .done: break
        case .queued:
            queue.removeAll { $0 === operation }
            operation.finish(.failure(CancellationError()))
        case .sent: requestCancel(operation)
        }
    }

    /// Only the statement that runs can be cancelled; the others when it is their turn.
    private func requestCancel(_ operation: Operation) {
        operation.wantsCancel = true
        operation.deadline = loop.clock.now.advanced(by: configuration.cancelGrace)
        watchDeadline(operation.deadline)
        cancelNext()
    }

    func cancelNext() {
        guard !isClosed, !isCancelInFlight, let operation = steps.first?.operation, operation.wantsCancel else {
            return
        }
        operation.wantsCancel = false
        guard let request = CancelRequest(pointer) else { return }
        isCancelInFlight = true
        wasCancelSent = true
        Task { [loop] in
            do {
                try await BlockingCalls.pool().run { request.send() }
            } catch {
                // No thread is free: the grace period ends the connection then.
            }
            loop.run { self.cancelReturned() }
        }
    }

    private func cancelReturned() {
        isCancelInFlight = false
        let finished = held
        held = []
        for (operation, outcome) in finished { operation.finish(outcome) }
        cancelNext()
        if !queue.isEmpty { loop.markDirty(self) }
    }

    /// Makes the timer come at `deadline` or earlier.
    func watchDeadline(_ deadline: LoopInstant) {
        if let timer, timer.isPending {
            guard deadline < timer.deadline else { return }
            timer.cancel()
        }
        // The timer goes when the connection closes; a weak reference would slow every use of the connection down.
        timer = loop.schedule(at: deadline) { self.checkDeadlines() }
    }

    private func checkDeadlines() {
        let now = loop.clock.now
        var next: LoopInstant?
        for operation in queue.all {
            if operation.deadline <= now {
                queue.removeAll { $0 === operation }
                operation.isExpired = true
                operation.finish(
                    .failure(
                        PostgresError(
                            .deadlineExceeded, "not sent within \(operation.timeout)", sql: operation.query.sql)))
            } else {
                next = min(next ?? operation.deadline, operation.deadline)
            }
        }
        for operation in answered + steps.all.compactMap(\.operation) + held.map(\.0) where operation.state == .sent {
            if isPaused, case .stream = operation.form, !operation.isCancelled {
                // Its consumer takes its time: that is not the server's fault.
                operation.deadline = now.advanced(by: operation.timeout)
            }
            if operation.deadline <= now {
                if operation.isCancelled || operation.isExpired {
                    return close(PostgresError(.connection, "the server did not answer a request to cancel"))
                }
                operation.isExpired = true
                requestCancel(operation)
            }
            next = min(next ?? operation.deadline, operation.deadline)
        }
        if let next { watchDeadline(next) }
    }
}

/// What cancels the statement that a connection runs, from another thread.
private final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit { PQfreeCancel(pointer) }

    func send() {
        var message = [CChar](repeating: 0, count: 256)
        _ = PQcancel(pointer, &message, Int32(message.count))
    }
}
