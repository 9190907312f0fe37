import AdapterABI

extension ExecutionRecord {
    /// `execute` has returned.
    /// - Returns: whether the execution is still under way.
    func returned(_ status: AdapterStatus?, isPending: Bool) -> Bool {
        lock()
        let action = state.returned(status, isPending: isPending)
        return perform(action) == .wait
    }

    /// The adapter has called `complete`, on whatever thread.
    func complete(_ status: AdapterStatus?) {
        lock()
        let action = state.completed(status)
        perform(action)
    }

    /// Tells the adapter that nobody waits, if the execution that `ticket` means is still under way.
    func cancel(_ ticket: UInt64) {
        lock()
        guard self.ticket == ticket, state.phase == .pending, let instance else { return unlock() }
        markUnwanted()
        guard let cancel = instance.model.library.functions.cancel, state.beginCancel() else { return unlock() }
        unlock()
        cancel(instance.model.pointer, instance.pointer, execution)
        lock()
        let action = state.endCancel()
        perform(action)
    }

    /// Carries out what the state asks for; called with the lock held, which it gives back.
    @discardableResult
    private func perform(_ action: ExecutionState.Action) -> ExecutionState.Action {
        switch action {
        case .wait:
            unlock()
        case .blame(let fault):
            unlock()
            host.fault(fault)
        case .finish(let status, let early):
            let answer: Result<[Tensor], ServingError>
            var late: String?
            if let status {
                answer = .failure(status.error(.executing))
            } else {
                (answer, late) = gather()
            }
            let (instance, completion) = end()
            unlock()
            if let early { host.fault(early) }
            if let late { host.fault(late) }
            instance?.records.give(self)
            completion?(answer)
        }
        return action
    }
}
