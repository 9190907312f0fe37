import Loop
import Synchronization

extension ServedVersion {
    private enum Next {
        case nothing
        case ask(at: LoopInstant)
        case run([InferenceCall], BatchClosing, place: Int)
    }

    /// Gives waiting requests to instances as long as there are both. Any thread.
    func pump() {
        while waitingCount.load(ordering: .sequentiallyConsistent) > 0 {
            switch queue.withLock(next) {
            case .nothing: return
            case .ask(let instant): return ask(at: instant)
            case .run(let calls, let closing, let place): run(calls, closing, place)
            }
        }
    }

    private func next(_ queue: inout Queue) -> Next {
        guard let place = instances.take() else { return .nothing }
        let step = queue.waiting.next(now: now) { rows in cost.nanoseconds(size: max(1, rows)).map(Int64.init) }
        switch step {
        case .execute(let waiting, let closing):
            waitingCount.store(queue.waiting.count, ordering: .sequentiallyConsistent)
            let calls = waiting.compactMap { queue.calls.removeValue(forKey: $0.id) }
            return .run(calls, closing, place: place)
        case .wait(let instant):
            instances.give(place)
            if let armed = queue.armed, armed <= instant { return .nothing }
            queue.armed = instant
            return .ask(at: instant)
        case .nothing:
            instances.give(place)
            return .nothing
        }
    }

    private func ask(at instant: LoopInstant) {
        let loop = EventLoop.current ?? home
        loop.run { [self] in
            loop.schedule(at: instant) { [self] in
                queue.withLock { queue in
                    if queue.armed == instant { queue.armed = nil }
                }
                pump()
            }
        }
    }

    private func run(_ calls: [InferenceCall], _ closing: BatchClosing, _ place: Int) {
        // Models that complete on threads of their own are cheap to begin: that needs no thread of the pool's.
        let size = calls.reduce(0) { $0 + $1.weight.size }
        let isInline =
            isAsynchronous.load(ordering: .relaxed) && EventLoop.current != nil && isInline(size: size)
        let execution = Execution(self, calls, closing, place: place, isInline: isInline)
        if isInline { return execution.run() }
        guard !pool.submit({ execution.run() }) else { return }
        let error = ServingError(.unavailable, "the scorer is stopping")
        for call in calls { call.settle(.failure(error)) }
        instances.give(place)
    }

    /// An instance's execution is over.
    func free(_ place: Int) {
        instances.give(place)
        if waitingCount.load(ordering: .sequentiallyConsistent) > 0 { pump() }
    }

    /// Has requests of a batch that failed executed one by one.
    func executeApart(_ calls: [InferenceCall]) {
        queue.withLock { queue in
            for call in calls {
                queue.calls[call.id] = call
                _ = queue.waiting.add(
                    .init(
                        id: call.id, rows: call.weight.rows, key: JoinedBatch.Key(alone: call.id),
                        priority: call.priority, arrived: call.arrived, deadline: call.deadline), isForced: true)
            }
            waitingCount.store(queue.waiting.count, ordering: .sequentiallyConsistent)
        }
        pump()
    }
}
