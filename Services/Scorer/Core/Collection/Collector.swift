import Loop
public import ServiceKit
import Serving
import Synchronization

/// Takes a part of all requests and their answers, and hands them on without ever keeping a request waiting: what finds no
/// room is dropped and counted.
public final class Collector: Service {
    public var serviceName: String { "collection" }

    private struct State {
        var rows: [CollectedRow] = []
        var bytes = 0
        var isStopping = false
    }

    private let sink: any CollectionSink
    private let rowLimit: Int
    private let byteLimit: Int
    private let threshold: UInt64
    private let isOff: Bool
    private let onError: @Sendable (any Error) -> Void
    private let state = Condition(State())
    private let turn = Atomic<UInt64>(0)
    private let dropped = Atomic<Int>(0)
    private let written = Atomic<Int>(0)

    /// How long a row may wait for others before it is written.
    private static let interval = Duration.milliseconds(500)

    /// - Parameter onError: hears why rows could not be written, for a log.
    public init(
        _ settings: CollectionSettings, sink: any CollectionSink,
        onError: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.sink = sink
        rowLimit = max(1, settings.records)
        byteLimit = max(1, settings.buffer.bytes)
        let rate = min(1, max(0, settings.rate))
        isOff = rate == 0
        threshold = rate >= 1 ? .max : UInt64(rate * 18_446_744_073_709_549_568)
        self.onError = onError
    }

    /// Rows that found no room, or could not be written.
    public var droppedCount: Int { dropped.load(ordering: .relaxed) }
    /// Rows that the sink took.
    public var writtenCount: Int { written.load(ordering: .relaxed) }

    /// Shows both counts among the metrics of the process.
    public func report(to metrics: MetricsRegistry) {
        metrics.counter("slipway_collected_rows_total", "Requests that were collected.") { [self] in
            Double(writtenCount)
        }
        metrics.counter("slipway_collected_rows_dropped_total", "Requests that should have been collected.") {
            [self] in Double(droppedCount)
        }
    }

    /// Whether the next request is one of those that are collected. Evenly spread, so that a rate of a tenth takes every
    /// tenth, more or less.
    func takes() -> Bool {
        if isOff { return false }
        let number = turn.add(1, ordering: .relaxed).newValue
        // Multiples of the golden ratio cover the range evenly, however few or many there are.
        return number &* 0x9e37_79b9_7f4a_7c15 <= threshold
    }

    /// Queues a row. Never waits for more than the moment in which another is queued or all are taken.
    func collect(_ request: CollectedRequest, _ answer: InferenceAnswer) {
        let id = request.id.isEmpty ? "\(String(request.start.nanoseconds, radix: 16))-\(number())" : request.id
        add(
            CollectedRow(
                requestID: id, correlationID: request.correlation.isEmpty ? id : request.correlation,
                time: request.start, model: answer.name, version: answer.version, inputs: request.inputs,
                outputs: answer.outputs, timing: answer.timing))
    }

    private func number() -> String { String(turn.add(1, ordering: .relaxed).newValue, radix: 16) }

    func add(_ row: CollectedRow) {
        let size = row.byteCount
        var isFull = false
        let isHalfFull = state.withLock { state in
            guard state.rows.count < rowLimit, state.bytes + size <= byteLimit else {
                isFull = true
                return false
            }
            state.rows.append(row)
            state.bytes += size
            return state.rows.count == rowLimit / 2 || state.bytes > byteLimit / 2
        }
        if isFull { dropped.add(1, ordering: .relaxed) }
        // Otherwise whoever writes looks from time to time: waking a thread would cost more than all the rest.
        if isHalfFull { state.change { _ in } }
    }

    /// Writes until the service stops, and then what is left.
    public func run() async throws {
        let writer = ComputePool(threads: 1, name: "collection")
        try writer.start()
        defer { writer.stop() }
        try await StopSignal.withHandler {
            try await withTaskCancellationHandler {
                try await writer.run { [self] in writeAll() }
            } onCancel: {
                stop()
            }
        } onStop: { [self] in
            stop()
        }
    }

    private func stop() { state.change { $0.isStopping = true } }

    /// Blocks its thread until the end.
    private func writeAll() {
        var isStopping = false
        while !isStopping {
            let early = state.wait(atMost: Collector.interval) { [rowLimit, byteLimit] state -> Bool? in
                state.isStopping || state.rows.count >= rowLimit / 2 || state.bytes > byteLimit / 2 ? true : nil
            }
            let rows = state.withLock { state in
                defer {
                    state.rows = []
                    state.bytes = 0
                }
                isStopping = state.isStopping && early != nil
                return state.rows
            }
            write(rows)
        }
        do { try sink.close() } catch { onError(error) }
    }

    private func write(_ rows: [CollectedRow]) {
        guard !rows.isEmpty else { return }
        do {
            try sink.write(rows)
            written.add(rows.count, ordering: .relaxed)
        } catch {
            dropped.add(rows.count, ordering: .relaxed)
            onError(error)
        }
    }
}
