import Loop

/// Work that is done now and then for as long as a service runs: what nobody waits for.
public enum RepeatedWork {
    /// Does the work each time the interval is over, until the service is asked to stop; in the middle of the work that
    /// cancels it.
    /// - Parameters:
    ///   - loop: whose clock says when it is due.
    ///   - onFailure: hears what the work throws; the next time it is tried again.
    /// - Throws: `CancellationError` when the task is cancelled.
    public static func run(
        every interval: Duration, on loop: EventLoop, onFailure: @escaping @Sendable (any Error) -> Void,
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        StopSignal.started()
        let stop = StopSignal.current ?? StopSignal()
        while true {
            try await either({ try await loop.sleep(for: interval) }, stop)
            guard !stop.isRequested else { return }
            do { try await either(work, stop) } catch {
                try Task.checkCancellation()
                onFailure(error)
            }
        }
    }

    private static func either(_ work: @escaping @Sendable () async throws -> Void, _ stop: StopSignal) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await work() }
            group.addTask { try await stop.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
