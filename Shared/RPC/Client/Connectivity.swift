import Loop

/// The rules of one address's connection: what happened in, what to do out. A value without I/O.
struct Connectivity: Equatable {
    enum State: Equatable {
        /// Goes to `connecting` and `closed`.
        case idle
        /// Goes to `ready`, `backingOff` and `closed`.
        case connecting
        /// Goes to `idle`, `backingOff` and `closed`.
        case ready
        /// Goes to `idle`, `connecting` and `closed`.
        case backingOff
        /// Goes nowhere.
        case closed
    }

    enum Event: Equatable {
        /// A call looks for a connection.
        case wanted
        case connected
        case failed
        /// The connection ended or takes no more streams. One on which a server never answered counts as a failure, or a
        /// server that hangs up at once would be called without a pause.
        case lost(wasUseful: Bool)
        /// The pause is over.
        case pauseEnded(isWanted: Bool)
        case closed
    }

    enum Action: Equatable {
        case nothing
        case connect
        case serveCalls
        case pause(Duration)
        case stop
    }

    private(set) var state = State.idle
    private(set) var failures = 0
    private var attemptStart = LoopInstant(nanoseconds: 0)
    private let backoff: Backoff

    init(backoff: Backoff) { self.backoff = backoff }

    /// - Parameter chance: spreads the pause.
    mutating func handle(_ event: Event, now: LoopInstant, chance: Double) -> Action {
        switch (state, event) {
        case (.closed, _): return .nothing
        case (_, .closed):
            state = .closed
            return .stop
        case (.idle, .wanted), (.backingOff, .pauseEnded(isWanted: true)):
            state = .connecting
            attemptStart = now
            return .connect
        case (.backingOff, .pauseEnded(isWanted: false)):
            state = .idle
            return .nothing
        case (.connecting, .connected):
            state = .ready
            return .serveCalls
        case (.ready, .lost(wasUseful: true)):
            state = .idle
            failures = 0
            return .nothing
        case (.connecting, .failed), (.ready, .lost(wasUseful: false)):
            state = .backingOff
            failures += 1
            // Counted from the start of the attempt: a slow failure was pause enough.
            let pause = backoff.delay(afterFailures: failures, chance: chance)
            return .pause(max(.zero, pause - attemptStart.duration(to: now)))
        default: return .nothing
        }
    }
}
