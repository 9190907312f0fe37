/// What follows from what happens to an activity, without tasks and databases: the state and an event give the one step
/// to take.
enum ActivityRules {
    /// What is known of an activity where it matters whether it may be tried again.
    struct Trial: Equatable {
        var isResumable: Bool
        /// How often a process has begun with it; what was handed back in order does not count.
        var attempts: Int
        var attemptsMax: Int

        var hasAttempts: Bool { attempts < attemptsMax }
    }

    enum Event: Equatable {
        /// A worker holds the lease: nobody else runs it, whatever its state says.
        case claimed(Trial)
        case cancelRequested
        case ended(End, Trial)
    }

    /// How a handler ended.
    enum End: Equatable, CaseIterable {
        case succeeded
        case failed
        /// By something that another attempt may not meet.
        case troubled
        /// Because its worker stops.
        case stopped
    }

    enum Step: Equatable {
        case run
        case askToCancel
        case handBack(countingAttempt: Bool)
        case finish(ActivityState, Reason?)
        case nothing
    }

    /// Why it failed where its handler said nothing of its own.
    enum Reason: String, Equatable {
        case processDied = "process_died"
        case processStopped = "process_stopped"
        case attemptsExhausted = "attempts_exhausted"

        var message: String {
            switch self {
            case .processDied: "the process that ran it died"
            case .processStopped: "the process that ran it was stopped"
            case .attemptsExhausted: "it was tried as often as it may be, and each time did not come to its end"
            }
        }
    }

    static func step(_ state: ActivityState, _ event: Event) -> Step {
        switch (state, event) {
        case (.pending, .claimed): .run
        // Whoever ran it lost the lease without a word.
        case (.running, .claimed(let trial)):
            if !trial.isResumable {
                .finish(.failed, .processDied)
            } else {
                trial.hasAttempts ? .run : .finish(.failed, .attemptsExhausted)
            }
        case (.cancelling, .claimed): .finish(.cancelled, nil)
        case (.pending, .cancelRequested): .finish(.cancelled, nil)
        case (.running, .cancelRequested): .askToCancel
        case (.running, .ended(.succeeded, _)), (.cancelling, .ended(.succeeded, _)): .finish(.succeeded, nil)
        case (.cancelling, .ended): .finish(.cancelled, nil)
        case (.running, .ended(.failed, _)): .finish(.failed, nil)
        case (.running, .ended(.troubled, let trial)):
            if !trial.isResumable {
                .finish(.failed, nil)
            } else {
                trial.hasAttempts ? .handBack(countingAttempt: true) : .finish(.failed, .attemptsExhausted)
            }
        case (.running, .ended(.stopped, let trial)):
            trial.isResumable ? .handBack(countingAttempt: false) : .finish(.failed, .processStopped)
        default: .nothing
        }
    }
}
