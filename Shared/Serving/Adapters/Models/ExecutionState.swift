/// Where an execution stands between a host and an adapter that may complete it during, or long after, `execute`.
///
/// Pure: each event is answered with what is to be done. An adapter that does what the contract forbids is answered with
/// a fault, and never with a second end of the same execution.
struct ExecutionState: Equatable {
    enum Phase: Equatable {
        /// Goes to `executing`.
        case idle
        /// In `execute`. Goes to `completedEarly`, `pending` or `idle`.
        case executing
        /// Completed before `execute` has returned. Goes to `idle`.
        case completedEarly(AdapterStatus?)
        /// Goes to `cancelling` or `idle`.
        case pending
        /// In `cancel`, during which the execution must stay. Goes to `cancelled` or `completedLate`.
        case cancelling
        /// The adapter knows that nobody waits. Goes to `idle`.
        case cancelled
        /// Completed while `cancel` ran. Goes to `idle`.
        case completedLate(AdapterStatus?)
    }

    enum Action: Equatable {
        case wait
        /// The execution has ended, well or with an error; a fault may have been seen besides.
        case finish(AdapterStatus?, fault: String?)
        /// Nothing ends, and the adapter is to blame.
        case blame(String)
    }

    private(set) var phase = Phase.idle

    mutating func begin() { phase = .executing }

    /// `execute` has returned.
    mutating func returned(_ status: AdapterStatus?, isPending: Bool) -> Action {
        switch phase {
        case .executing where status != nil || !isPending:
            phase = .idle
            return .finish(status, fault: nil)
        case .executing:
            phase = .pending
            return .wait
        case .completedEarly(let completion):
            phase = .idle
            if status != nil {
                return .finish(status, fault: "it completed an execution and returned an error for it besides")
            }
            if !isPending {
                let fault = "it completed an execution for which it had not set pending"
                return .finish(completion, fault: fault)
            }
            return .finish(completion, fault: nil)
        case .idle, .pending, .cancelling, .cancelled, .completedLate:
            return .blame("execute returned twice")
        }
    }

    /// The adapter has called `complete`.
    mutating func completed(_ status: AdapterStatus?) -> Action {
        switch phase {
        case .executing:
            phase = .completedEarly(status)
            return .wait
        case .pending, .cancelled:
            phase = .idle
            return .finish(status, fault: nil)
        case .cancelling:
            phase = .completedLate(status)
            return .wait
        case .idle:
            return .blame("it completed an execution that had ended already")
        case .completedEarly, .completedLate:
            return .blame("it completed an execution twice")
        }
    }

    /// Whether the adapter is to be told that nobody waits.
    mutating func beginCancel() -> Bool {
        guard phase == .pending else { return false }
        phase = .cancelling
        return true
    }

    /// The adapter's `cancel` has returned.
    mutating func endCancel() -> Action {
        switch phase {
        case .completedLate(let status):
            phase = .idle
            return .finish(status, fault: nil)
        case .cancelling:
            phase = .cancelled
            return .wait
        case .idle, .executing, .completedEarly, .pending, .cancelled:
            return .wait
        }
    }
}
