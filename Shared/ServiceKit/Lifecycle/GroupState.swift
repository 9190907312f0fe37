/// The rules of a group of services, without tasks and clocks: each event gives the actions that follow from it.
struct GroupState {
    /// Where the group is:
    /// - `idle` → `starting`
    /// - `starting` (that service) → `running`, `stopping`, `done`
    /// - `running` → `stopping`, `done`
    /// - `stopping` (that service, those before it still run) → `stopping` the one before, `cancelling`, `done`
    /// - `cancelling` (every service that is left, at once) → `done`
    /// - `done`
    enum Phase: Equatable {
        case idle
        case starting(Int)
        case running
        case stopping(Int)
        case cancelling
        case done
    }

    enum Event: Equatable {
        case begin
        /// The service says that it has started.
        case started(Int)
        /// The service's `run` returned or threw.
        case ended(Int, failed: Bool)
        /// Somebody wants the group to stop. The second time services are cancelled, the third time left behind.
        case stop
        /// The group's own task was cancelled.
        case cancel
        case passed(Deadline)
    }

    enum Deadline: Hashable {
        /// For a service to start.
        case start(Int)
        /// For a service to stop by itself.
        case grace(Int)
        /// For a cancelled service to end.
        case cancel(Int)
    }

    enum Action: Equatable {
        case run(Int)
        case askToStop(Int)
        case cancel(Int)
        case arm(Deadline)
        case disarm(Deadline)
        /// The group ends; these services still run and can't be waited for.
        case finish(leavingBehind: [Int])
    }

    private(set) var phase = Phase.idle
    /// The services that did not start in time.
    private(set) var tooLate: [Int] = []
    private let waitsForStart: [Bool]
    private let endsGroup: [Bool]
    private var isAlive: [Bool]
    private var isCancelled: [Bool]
    private var hasBegun: [Bool]

    /// - Parameters:
    ///   - waitsForStart: per service, whether the next one waits until it says that it has started.
    ///   - endsGroup: per service, whether its normal end stops the group.
    init(waitsForStart: [Bool], endsGroup: [Bool]) {
        self.waitsForStart = waitsForStart
        self.endsGroup = endsGroup
        isAlive = waitsForStart.map { _ in false }
        isCancelled = isAlive
        hasBegun = isAlive
    }

    mutating func handle(_ event: Event) -> [Action] {
        if phase == .done { return [] }
        switch event {
        case .begin: return phase == .idle ? start(0) : []
        case .started(let index):
            guard phase == .starting(index) else { return [] }
            return [.disarm(.start(index))] + start(index + 1)
        case .ended(let index, let failed): return ended(index, failed: failed)
        case .stop: return stop()
        case .cancel: return phase == .cancelling ? [] : cancelAll()
        case .passed(let deadline): return passed(deadline)
        }
    }

    private mutating func start(_ first: Int) -> [Action] {
        var actions: [Action] = []
        for index in first..<waitsForStart.count {
            isAlive[index] = true
            hasBegun[index] = true
            phase = .starting(index)
            actions.append(.run(index))
            if waitsForStart[index] { return actions + [.arm(.start(index))] }
        }
        phase = .running
        return actions + (isAlive.contains(true) ? [] : finish())
    }

    private mutating func ended(_ index: Int, failed: Bool) -> [Action] {
        guard isAlive[index] else { return [] }
        isAlive[index] = false
        switch phase {
        case .starting(let starting):
            if failed || endsGroup[index] {
                return (waitsForStart[starting] ? [.disarm(.start(starting))] : []) + stopLast()
            }
            guard starting == index else { return [] }
            return [.disarm(.start(index))] + start(index + 1)
        case .running:
            if failed || endsGroup[index] { return stopLast() }
            return isAlive.contains(true) ? [] : finish()
        case .stopping(let stopping):
            guard stopping == index else { return [] }
            return [.disarm(isCancelled[index] ? .cancel(index) : .grace(index))] + stopLast()
        case .cancelling:
            return [.disarm(.cancel(index))] + (isAlive.contains(true) ? [] : finish())
        case .idle, .done: return []
        }
    }

    private mutating func stop() -> [Action] {
        switch phase {
        case .idle, .done: return finish()
        case .starting(let index): return (waitsForStart[index] ? [.disarm(.start(index))] : []) + stopLast()
        case .running: return stopLast()
        case .stopping: return cancelAll()
        case .cancelling: return finish()
        }
    }

    /// Asks the last service that runs to stop.
    private mutating func stopLast() -> [Action] {
        guard let last = isAlive.lastIndex(of: true) else { return finish() }
        phase = .stopping(last)
        return [.askToStop(last), .arm(.grace(last))]
    }

    private mutating func cancelAll() -> [Action] {
        var actions: [Action] = []
        if case .stopping(let index) = phase {
            actions.append(.disarm(isCancelled[index] ? .cancel(index) : .grace(index)))
        }
        if case .starting(let index) = phase, waitsForStart[index] { actions.append(.disarm(.start(index))) }
        phase = .cancelling
        for index in isAlive.indices.reversed() where isAlive[index] {
            isCancelled[index] = true
            actions += [.cancel(index), .arm(.cancel(index))]
        }
        return isAlive.contains(true) ? actions : actions + finish()
    }

    private mutating func passed(_ deadline: Deadline) -> [Action] {
        switch (deadline, phase) {
        case (.start(let index), .starting(let starting)) where index == starting:
            tooLate.append(index)
            return stopLast()
        case (.grace(let index), .stopping(let stopping)) where index == stopping && isAlive[index]:
            isCancelled[index] = true
            return [.cancel(index), .arm(.cancel(index))]
        case (.cancel(let index), _) where isAlive[index]: return finish()
        default: return []
        }
    }

    private mutating func finish() -> [Action] {
        phase = .done
        return [.finish(leavingBehind: isAlive.indices.filter { isAlive[$0] })]
    }
}
