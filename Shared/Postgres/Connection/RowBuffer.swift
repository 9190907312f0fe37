import Loop

/// The rows of a stream between the connection and its consumer. Confined to the connection's loop.
final class RowBuffer: @unchecked Sendable {
    /// Reading pauses at so many, until the consumer has taken them.
    static let highWater = 512

    private var rows = FIFO<PostgresRow>()
    private var outcome: Result<Void, any Error>?
    private var waiting: CheckedContinuation<[PostgresRow], any Error>?
    /// Until the stream is finished.
    private var channel: PostgresChannel?
    private var isDiscarding = false

    func attach(_ channel: PostgresChannel) { self.channel = channel }

    func push(_ row: PostgresRow) {
        guard !isDiscarding else { return }
        rows.append(row)
        if rows.count >= RowBuffer.highWater { channel?.isPaused = true }
        // Whoever waits gets what came together, once the loop has read it all.
        if rows.count == 1, waiting != nil, let channel { channel.loop.execute { self.deliver() } }
    }

    func finish(_ outcome: Result<PostgresResult?, any Error>) {
        self.outcome = outcome.map { _ in }
        deliver()
    }

    /// The next rows; none at the end. On the loop.
    func next(_ continuation: CheckedContinuation<[PostgresRow], any Error>) {
        waiting = continuation
        if !rows.isEmpty || outcome != nil { deliver() }
    }

    /// Takes no more rows. What is still to come is dropped. On the loop.
    func discard() {
        isDiscarding = true
        rows.removeAll()
        resumeReading()
    }

    private func deliver() {
        defer { if outcome != nil, rows.isEmpty { channel = nil } }
        guard let waiting, !rows.isEmpty || outcome != nil else { return }
        self.waiting = nil
        if rows.isEmpty, case .failure(let error) = outcome { return waiting.resume(throwing: error) }
        let batch = rows.all
        rows.removeAll()
        waiting.resume(returning: batch)
        resumeReading()
    }

    private func resumeReading() {
        guard let channel, channel.isPaused, !channel.isClosed else { return }
        channel.isPaused = false
        channel.loop.readAgain(channel)
    }
}
