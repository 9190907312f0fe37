import Loop

/// Rows that still come. Iterated once, within the closure it was given to.
public struct PostgresRowStream: AsyncSequence, PostgresRowSource, Sendable {
    let buffer: RowBuffer
    let operation: Operation
    let channel: PostgresChannel

    public var rowIterator: PostgresRowIterator { PostgresRowIterator(source: .stream(makeAsyncIterator())) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: PostgresRowStream
        private var batch: [PostgresRow] = []
        private var next = 0
        private var isAtEnd = false

        init(stream: PostgresRowStream) { self.stream = stream }

        /// - Throws: `PostgresError`, or `CancellationError` where the task is cancelled.
        public mutating func next() async throws -> PostgresRow? {
            if next == batch.count {
                guard !isAtEnd else { return nil }
                batch = try await stream.nextBatch()
                next = 0
                isAtEnd = batch.isEmpty
                guard !isAtEnd else { return nil }
            }
            defer { next += 1 }
            return batch[next]
        }
    }

    private func nextBatch() async throws -> [PostgresRow] {
        let (buffer, operation, channel) = (buffer, operation, channel)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                channel.loop.run { buffer.next(continuation) }
            }
        } onCancel: {
            channel.loop.run {
                buffer.discard()
                channel.cancel(operation)
            }
        }
    }
}
