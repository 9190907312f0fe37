import AdapterContracts
import Loop
import Protobuf
import Synchronization

extension ServedVersion {
    /// Checks a request and has it answered: here and now where the model is quick enough, else through the queue.
    func infer(_ request: consuming InferenceRequest) async throws(ServingError) -> InferenceAnswer {
        let arrived = now
        statistics.requested(at: arrived)
        let weight: Signature.Weight
        do throws(ServingError) {
            weight = try signature.check(&request.inputs, outputs: request.outputs)
        } catch {
            statistics.writer.add(.failure, 1, now.nanoseconds - arrived.nanoseconds)
            throw error
        }
        if isInline(size: weight.size), !isAsynchronous.load(ordering: .relaxed) {
            if instances.isUnlimited {
                return try await inferInline(request, weight, arrived, instances[0], place: nil)
            }
            if let place = instances.take() {
                return try await inferInline(request, weight, arrived, instances[place], place: place)
            }
        }
        return try await wait(for: makeCall(request, weight, arrived))
    }

    private func inferInline(
        _ request: borrowing InferenceRequest, _ weight: Signature.Weight, _ arrived: LoopInstant,
        _ instance: any ServableInstance, place: Int?
    ) async throws(ServingError) -> InferenceAnswer {
        let outcome = InlineOutcome()
        let work = ModelExecution(
            inputs: request.inputs, outputs: request.outputs, requestCount: 1, deadline: request.deadline,
            context: context(of: request)[...])
        let started = now
        let pending = instance.execute(work) { outcome.complete($0) }
        let result: Result<[Tensor], ServingError>
        if let immediate = outcome.immediate {
            result = immediate
        } else {
            // Its completions come from elsewhere: from the next request on they are waited for with time-outs.
            isAsynchronous.store(true, ordering: .relaxed)
            _ = pending
            result = await withUnsafeContinuation { continuation in
                outcome.handOver { continuation.resume(returning: $0) }
            }
        }
        let ended = now
        if let place { free(place) }
        let compute = ended.nanoseconds - started.nanoseconds
        if pending == nil { cost.record(size: weight.size, nanoseconds: compute) }
        let writer = statistics.writer
        switch result {
        case .success(let outputs):
            statistics.executed(rows: weight.rows, nanoseconds: compute, writer)
            writer.add(.queue, 1, started.nanoseconds - arrived.nanoseconds)
            writer.add(.compute, 1, compute)
            writer.add(.success, 1, ended.nanoseconds - arrived.nanoseconds)
            return try answer(
                outputs, wanted: request.outputs,
                InferenceTiming(
                    queue: .nanoseconds(started.nanoseconds - arrived.nanoseconds), compute: .nanoseconds(compute),
                    batchSize: weight.rows, closing: .single, ranInline: true))
        case .failure(let error):
            writer.add(.failure, 1, ended.nanoseconds - arrived.nanoseconds)
            throw error
        }
    }

    private func makeCall(
        _ request: consuming InferenceRequest, _ weight: Signature.Weight, _ arrived: LoopInstant
    ) -> InferenceCall {
        let request = request
        let limit = arrived.advanced(by: settings.timeout)
        return InferenceCall(
            inputs: request.inputs, outputs: request.outputs, weight: weight, priority: request.priority,
            deadline: min(request.deadline ?? limit, limit), arrived: arrived,
            context: { [self] in context(of: request) })
    }

    /// Puts a call into the queue and waits for its answer, its deadline, or its caller's end.
    func wait(for call: InferenceCall) async throws(ServingError) -> InferenceAnswer {
        let timer = CallTimer(loop: EventLoop.current ?? home)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                guard call.begin(continuation) else { return }
                enter(call, timer)
            }
        } onCancel: {
            if giveUp(call, InferenceCall.cancelled) { statistics.writer.add(.cancelled, 1, waited(call)) }
        }
        timer.cancel()
        return try result.get()
    }

    private func enter(_ call: InferenceCall, _ timer: CallTimer) {
        let key = JoinedBatch.key(
            call.inputs, outputs: call.outputs, isUniform: signature.isUniform(call.inputs))
        let limit = queue.withLock { queue -> Int? in
            queue.lastID += 1
            call.id = queue.lastID
            let isTaken = queue.waiting.add(
                .init(
                    id: call.id, rows: call.weight.rows, key: key, priority: call.priority, arrived: call.arrived,
                    deadline: call.deadline))
            guard isTaken else { return queue.waiting.policy.limit }
            queue.calls[call.id] = call
            waitingCount.store(queue.waiting.count, ordering: .sequentiallyConsistent)
            return nil
        }
        if let limit {
            if call.settle(.failure(overloaded("model '\(name)': \(limit) requests wait already"))) {
                statistics.writer.add(.failure, 1, waited(call))
            }
            return
        }
        // Its caller may have given up before it was there to be taken out.
        if call.isSettled { _ = leaveQueue(call) }
        pump()
        if !call.isSettled { arm(timer, call) }
    }

    private func arm(_ timer: CallTimer, _ call: InferenceCall) {
        if let wait = settings.queueWait {
            timer.arm(at: call.arrived.advanced(by: wait)) { [self] in
                if leaveQueue(call) {
                    let error = overloaded("model '\(name)': the request waited \(wait) for its turn")
                    if call.abandon(error) { statistics.writer.add(.failure, 1, waited(call)) }
                } else {
                    armDeadline(timer, call)
                }
            }
        } else {
            armDeadline(timer, call)
        }
    }

    private func armDeadline(_ timer: CallTimer, _ call: InferenceCall) {
        guard let deadline = call.deadline, !call.isSettled else { return }
        timer.arm(at: deadline) { [self] in
            let place = leaveQueue(call) ? "in the queue" : "while it was executed"
            let error = ServingError(
                .deadlineExceeded,
                "model '\(name)': the request's time of \(call.arrived.duration(to: deadline)) ran out \(place)")
            if call.abandon(error) { statistics.writer.add(.failure, 1, waited(call)) }
        }
    }

    private func overloaded(_ message: String) -> ServingError {
        ServingError(.overloaded, message, retryAfter: settings.queueWait ?? .seconds(1))
    }

    private func waited(_ call: InferenceCall) -> Int64 { now.nanoseconds - call.arrived.nanoseconds }

    private func giveUp(_ call: InferenceCall, _ error: ServingError) -> Bool {
        _ = leaveQueue(call)
        return call.abandon(error)
    }

    private func leaveQueue(_ call: InferenceCall) -> Bool {
        queue.withLock { queue in
            guard queue.calls.removeValue(forKey: call.id) != nil else { return false }
            _ = queue.waiting.remove(id: call.id, priority: call.priority)
            waitingCount.store(queue.waiting.count, ordering: .sequentiallyConsistent)
            return true
        }
    }

    /// An encoded `ExecutionContext`, for models that look at more than tensors.
    private func context(of request: borrowing InferenceRequest) -> [UInt8] {
        guard request.circumstances != nil || isDocument else { return [] }
        var context = Slipway.Adapter.V1.ExecutionContext()
        context.requestId = request.id
        if let circumstances = request.circumstances {
            context.headers = circumstances.headers.map {
                Slipway.Adapter.V1.Header(name: $0.name, value: $0.value)
            }
            context.traceparent = circumstances.traceparent
            context.method = circumstances.method
            context.path = circumstances.path
            context.mediaType = circumstances.mediaType
            context.parameters = circumstances.parameters
        }
        return context.serialized()
    }
}

/// A call's next time-out, on its loop. It may be cancelled from any thread.
final class CallTimer: @unchecked Sendable {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var isOver = false

    init(loop: EventLoop) { self.loop = loop }

    func arm(at deadline: LoopInstant, _ body: @escaping @Sendable () -> Void) {
        loop.run { [self] in
            guard !isOver else { return }
            timer = loop.schedule(at: deadline, body)
        }
    }

    func cancel() {
        loop.run { [self] in
            isOver = true
            timer?.cancel()
            timer = nil
        }
    }
}
