import Loop

/// A loop's read-only connections, each shared by whoever reads. Confined to the loop.
final class SharedReaders: @unchecked Sendable {
    let loop: EventLoop
    private let configuration: PostgresConfiguration
    private var channels: [PostgresChannel] = []
    private var waiting: [Operation] = []
    private var connecting = 0
    private var isClosed = false

    init(_ configuration: PostgresConfiguration, _ loop: EventLoop) {
        var configuration = configuration
        configuration.isReadOnly = true
        self.configuration = configuration
        self.loop = loop
    }

    func read(_ query: PostgresQuery, timeout: Duration) async throws -> PostgresRows {
        guard !query.hasZero else { throw PostgresError(.usage, "a statement with a zero character") }
        let operation = Operation(query, effect: .read, timeout: timeout, sharesSync: true)
        let result = try await withTaskCancellationHandler {
            try await operation.outcome { continuation in
                operation.await(continuation)
                if loop.isCurrent { submit(operation) } else { loop.execute { self.submit(operation) } }
            }
        } onCancel: {
            loop.run { self.cancel(operation) }
        }
        guard let result else { throw PostgresError(.connection, "the server returned no result") }
        return PostgresRows(result: result)
    }

    func close() {
        isClosed = true
        let closing = channels
        channels = []
        for channel in closing { channel.close(PostgresError(.closed, "the pool is closed")) }
        fail(PostgresError(.closed, "the pool is closed"))
    }

    private func submit(_ operation: Operation) {
        if operation.isCancelled { return operation.finish(.failure(CancellationError())) }
        guard !isClosed else { return operation.finish(.failure(PostgresError(.closed, "the pool is closed"))) }
        let best = channels.min { $0.inFlightCount < $1.inFlightCount }
        // Another connection only where the first ones are busy: a full pipeline costs the least.
        let isBusy = best.map { $0.inFlightCount >= 16 } ?? true
        if isBusy, channels.count + connecting < configuration.sharedReadersMax { connect() }
        if let best {
            best.submit(operation)
        } else if waiting.count < configuration.pool.waitersMax {
            waiting.append(operation)
            loop.schedule(after: operation.timeout) { [self] in expire(operation) }
        } else {
            operation.finish(
                .failure(PostgresError(.poolExhausted, "\(waiting.count) reads wait for the first connection already")))
        }
    }

    private func expire(_ operation: Operation) {
        guard let index = waiting.firstIndex(where: { $0 === operation }) else { return }
        waiting.remove(at: index)
        operation.finish(.failure(PostgresError(.deadlineExceeded, "no connection within \(operation.timeout)")))
    }

    private func cancel(_ operation: Operation) {
        if let index = waiting.firstIndex(where: { $0 === operation }) {
            waiting.remove(at: index)
            operation.isCancelled = true
            return operation.finish(.failure(CancellationError()))
        }
        guard let channel = channels.first(where: { $0.holds(operation) }) else {
            operation.isCancelled = true
            return
        }
        channel.cancel(operation)
    }

    private func connect() {
        connecting += 1
        PostgresConnecting.start(configuration, loop: loop) { [self] result in
            connecting -= 1
            switch result {
            case .failure(let error):
                if channels.isEmpty, connecting == 0 { fail(error) }
            case .success(let channel) where isClosed:
                channel.close(PostgresError(.closed, "the pool is closed"))
            case .success(let channel):
                channels.append(channel)
                channel.onClose { [self] in channels.removeAll { $0 === channel } }
                let due = waiting
                waiting = []
                for operation in due { channel.submit(operation) }
            }
        }
    }

    private func fail(_ error: PostgresError) {
        let left = waiting
        waiting = []
        for operation in left { operation.finish(.failure(error)) }
    }
}

extension PostgresChannel {
    func holds(_ operation: Operation) -> Bool {
        answered.contains { $0 === operation } || queue.all.contains { $0 === operation }
            || steps.all.contains { $0.operation === operation }
    }
}
