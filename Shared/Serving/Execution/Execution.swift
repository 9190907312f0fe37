import Loop
import Protobuf
import Synchronization

/// Requests that an instance executes together, from the choice of the instance until it is free again.
final class Execution: @unchecked Sendable {
    private let version: ServedVersion
    private let calls: [InferenceCall]
    private let closing: BatchClosing
    private let place: Int
    private let isInline: Bool
    private let rows: Int
    private let size: Int
    private var started = LoopInstant(nanoseconds: 0)
    private var joined = LoopInstant(nanoseconds: 0)
    /// Calls that nobody waits for any more; when all are, the model is told.
    private let waiting: Atomic<Int>
    private let pending = Lock<(handle: (any PendingExecution)?, isDone: Bool)>((nil, false))

    init(_ version: ServedVersion, _ calls: [InferenceCall], _ closing: BatchClosing, place: Int, isInline: Bool) {
        self.version = version
        self.calls = calls
        self.closing = closing
        self.place = place
        self.isInline = isInline
        rows = calls.reduce(0) { $0 + $1.weight.rows }
        size = calls.reduce(0) { $0 + $1.weight.size }
        waiting = Atomic(calls.count)
    }

    /// Executes, on the calling thread. The version is held until it is completed.
    func run() {
        version.uses.enterAgain()
        for call in calls where !call.joins(self) { abandoned() }
        started = version.now
        guard waiting.load(ordering: .sequentiallyConsistent) > 0 else { return finish() }
        let inputs = JoinedBatch.join(calls.map(\.inputs))
        joined = calls.count > 1 ? version.now : started
        let work = ModelExecution(
            inputs: inputs, outputs: calls.first?.outputs ?? [], requestCount: calls.count,
            deadline: calls.compactMap(\.deadline).max(),
            context: calls.count == 1 ? (calls.first?.context() ?? [])[...] : [])
        let handle = version.instances[place].execute(work) { [self] in completed($0) }
        if let handle {
            version.cost.record(size: size, nanoseconds: version.now.nanoseconds - joined.nanoseconds)
            let isAbandoned = pending.withLock { pending in
                if !pending.isDone { pending.handle = handle }
                return !pending.isDone && waiting.load(ordering: .sequentiallyConsistent) <= 0
            }
            if isAbandoned { handle.cancel() }
        }
    }

    /// One of the calls is not waited for any more. Any thread.
    func abandoned() {
        guard waiting.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 else { return }
        pending.withLock { $0.handle }?.cancel()
    }

    private func completed(_ result: Result<[Tensor], ServingError>) {
        let ended = version.now
        let isAsynchronous = pending.withLock { pending in
            defer { pending = (nil, true) }
            return pending.handle != nil
        }
        if !isAsynchronous {
            version.cost.record(size: size, nanoseconds: ended.nanoseconds - joined.nanoseconds)
        }
        switch result {
        case .success(let outputs): answer(outputs, ended)
        case .failure(let error):
            // Whose request was it? Each is asked alone, so that one bad request fails by itself.
            if calls.count > 1, error.kind == .invalidInput || error.kind == .modelFailed {
                version.executeApart(calls.filter { !$0.isSettled })
            } else {
                fail(error, ended)
            }
        }
        finish()
    }

    private func finish() {
        for call in calls { call.leaves(self) }
        version.free(place)
        version.uses.leave()
    }

    private func answer(_ outputs: [Tensor], _ ended: LoopInstant) {
        let parts: [[Tensor]]
        do throws(ServingError) {
            parts =
                calls.count == 1 ? [outputs] : try JoinedBatch.split(outputs, rows: calls.map(\.weight.rows))
        } catch {
            return fail(error, ended)
        }
        let split = calls.count > 1 ? version.now : ended
        let compute = ended.nanoseconds - joined.nanoseconds
        let writer = version.statistics.writer
        version.statistics.executed(rows: rows, nanoseconds: compute, writer)
        for (call, part) in zip(calls, parts) {
            let queue = started.nanoseconds - call.arrived.nanoseconds
            let timing = InferenceTiming(
                queue: .nanoseconds(queue), compute: .nanoseconds(compute), batchSize: rows, closing: closing,
                ranInline: isInline)
            writer.add(.queue, 1, queue)
            writer.add(.input, 1, joined.nanoseconds - started.nanoseconds)
            writer.add(.compute, 1, compute)
            writer.add(.output, 1, split.nanoseconds - ended.nanoseconds)
            writer.add(.success, 1, split.nanoseconds - call.arrived.nanoseconds)
            do throws(ServingError) {
                call.settle(.success(try version.answer(part, wanted: call.outputs, timing)))
            } catch {
                call.settle(.failure(error))
            }
        }
    }

    private func fail(_ error: ServingError, _ ended: LoopInstant) {
        let writer = version.statistics.writer
        for call in calls where call.settle(.failure(error)) {
            writer.add(.failure, 1, ended.nanoseconds - call.arrived.nanoseconds)
        }
    }
}
