import CPostgreSQL
import ConnectionPool
import Loop

/// One session with the server. Any task may use it from any thread; statements that several tasks send at once go out
/// in a pipeline and are answered in their order.
public final class PostgresConnection: Sendable {
    let channel: PostgresChannel

    init(_ channel: PostgresChannel) { self.channel = channel }

    /// Connects, outside of any pool.
    /// - Throws: `PostgresError` of kind `connection` or `usage`.
    public static func connect(
        _ configuration: PostgresConfiguration, on loop: EventLoop
    ) async throws -> PostgresConnection {
        try await withCheckedThrowingContinuation { continuation in
            loop.run {
                PostgresConnecting.start(configuration, loop: loop) { result in
                    continuation.resume(with: result.map(PostgresConnection.init).mapError { $0 as any Error })
                }
            }
        }
    }

    public var loop: EventLoop { channel.loop }

    /// Runs a statement and waits for all it returns. Cancelling the task cancels the statement on the server; the
    /// connection stays usable. A statement that ended before the server heard of it keeps its result.
    /// - Throws: `PostgresError`, or `CancellationError`.
    public func query(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> PostgresRows {
        try await run(query, effect: .write, timeout: timeout)
    }

    /// Runs a statement and returns how many rows it touched.
    @discardableResult
    public func execute(_ query: PostgresQuery, timeout: Duration? = nil) async throws -> Int {
        try await run(query, effect: .write, timeout: timeout).affectedRows
    }

    /// Runs several statements, separated by semicolons, as one transaction unless they say otherwise. No binds.
    public func script(_ sql: String, timeout: Duration? = nil) async throws {
        _ = try await perform(makeOperation(PostgresQuery(unsafe: sql), .script, .write, timeout))
    }

    /// Runs independent statements in one round trip, each in its own transaction. Each has its own outcome.
    public func pipeline(_ queries: [PostgresQuery], timeout: Duration? = nil) async -> [Result<
        PostgresRows, any Error
    >] {
        await pipeline(queries, effect: .write, timeout: timeout)
    }

    /// Runs a statement and hands its rows to `body` while they come. The server is not read faster than `body` takes
    /// them; what `body` leaves is cancelled.
    public func stream<Result>(
        _ query: PostgresQuery, timeout: Duration? = nil, _ body: (PostgresRowStream) async throws -> Result
    ) async throws -> Result {
        try await stream(query, effect: .read, timeout: timeout, body)
    }

    /// Whether a transaction is open, failed or not.
    public func isInTransaction() async throws -> Bool {
        try await channel.loop.submit { [channel] in
            guard !channel.isClosed else { return false }
            let status = PQtransactionStatus(channel.pointer)
            return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
        }
    }

    /// Ends the session at once.
    public func close() {
        channel.loop.run { [channel] in channel.close(PostgresError(.connection, "the connection was closed")) }
    }

    func makeOperation(
        _ query: PostgresQuery, _ form: Operation.Form, _ effect: Operation.Effect, _ timeout: Duration?
    ) throws -> Operation {
        guard !query.hasZero else { throw PostgresError(.usage, "a statement with a zero character") }
        return Operation(query, form: form, effect: effect, timeout: timeout ?? channel.configuration.queryTimeout)
    }

    func run(
        _ query: PostgresQuery, effect: Operation.Effect, timeout: Duration?, form: Operation.Form = .prepared,
        preamble: String? = nil
    ) async throws -> PostgresRows {
        let operation = try makeOperation(query, form, effect, timeout)
        operation.preamble = preamble
        return try await rows(perform(operation))
    }

    func rows(_ result: PostgresResult?) throws -> PostgresRows {
        guard let result else { throw PostgresError(.connection, "the server returned no result") }
        return PostgresRows(result: result)
    }

    func perform(_ operation: Operation) async throws -> PostgresResult? {
        let channel = self.channel
        return try await withTaskCancellationHandler {
            try await operation.outcome { continuation in
                operation.await(continuation)
                if channel.loop.isCurrent {
                    channel.submit(operation)
                } else {
                    channel.loop.execute { channel.submit(operation) }
                }
            }
        } onCancel: {
            channel.loop.run { channel.cancel(operation) }
        }
    }

    func pipeline(
        _ queries: [PostgresQuery], effect: Operation.Effect, timeout: Duration?, preamble: String? = nil
    ) async -> [Result<PostgresRows, any Error>] {
        let channel = self.channel
        let batch = PipelineBatch(count: queries.count)
        var operations: [Operation] = []
        for (index, query) in queries.enumerated() {
            do {
                let operation = try makeOperation(query, .prepared, effect, timeout)
                batch.attach(operation, index)
                if operations.isEmpty { operation.preamble = preamble }
                operations.append(operation)
            } catch {
                batch.set(index, .failure(error))
            }
        }
        let sent = operations
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                channel.loop.run {
                    batch.await(continuation)
                    for operation in sent { channel.submit(operation) }
                }
            }
        } onCancel: {
            channel.loop.run { for operation in sent { channel.cancel(operation) } }
        }
    }

    func stream<Result>(
        _ query: PostgresQuery, effect: Operation.Effect, timeout: Duration?,
        _ body: (PostgresRowStream) async throws -> Result
    ) async throws -> Result {
        let buffer = RowBuffer()
        let operation = try makeOperation(query, .stream(buffer), effect, timeout)
        let channel = self.channel
        channel.loop.run { channel.submit(operation) }
        do {
            let result = try await body(PostgresRowStream(buffer: buffer, operation: operation, channel: channel))
            await finish(operation, buffer)
            return result
        } catch {
            await finish(operation, buffer)
            throw error
        }
    }

    /// Waits until the connection is clean again.
    private func finish(_ operation: Operation, _ buffer: RowBuffer) async {
        let channel = self.channel
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            channel.loop.run {
                buffer.discard()
                guard operation.state != .done else { return continuation.resume() }
                operation.whenFinished { continuation.resume() }
                channel.cancel(operation)
            }
        }
    }
}

extension PostgresConnection: PooledConnection {
    public var isReusable: Bool { channel.isReusable }

    public func check(_ completion: @escaping (Bool) -> Void) {
        let timeout = min(channel.configuration.connectTimeout, .seconds(2))
        let operation = Operation("SELECT 1", form: .unprepared, effect: .read, timeout: timeout) { result in
            if case .success = result { completion(true) } else { completion(false) }
        }
        channel.submit(operation)
    }

    public func onClose(_ body: @escaping () -> Void) { channel.onClose(body) }
}

/// Collects the outcomes of a pipeline. Confined to the connection's loop once it waits.
private final class PipelineBatch: @unchecked Sendable {
    private var outcomes: [Result<PostgresRows, any Error>?]
    private var missing: Int
    private var continuation: CheckedContinuation<[Result<PostgresRows, any Error>], Never>?

    init(count: Int) {
        outcomes = Array(repeating: nil, count: count)
        missing = count
    }

    func attach(_ operation: Operation, _ index: Int) {
        operation.whenFinished { [self] outcome in
            set(
                index,
                outcome.flatMap { result in
                    result.map { .success(PostgresRows(result: $0)) }
                        ?? .failure(PostgresError(.connection, "the server returned no result"))
                })
        }
    }

    func set(_ index: Int, _ outcome: Result<PostgresRows, any Error>) {
        outcomes[index] = outcome
        missing -= 1
        resumeIfComplete()
    }

    func await(_ continuation: CheckedContinuation<[Result<PostgresRows, any Error>], Never>) {
        self.continuation = continuation
        resumeIfComplete()
    }

    private func resumeIfComplete() {
        guard missing == 0, let continuation else { return }
        self.continuation = nil
        continuation.resume(returning: outcomes.compactMap { $0 })
    }
}
