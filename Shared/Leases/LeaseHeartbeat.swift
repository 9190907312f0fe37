import Loop

/// When a lease is renewed and when it counts as lost, without tasks and clocks.
///
/// This process judges by its own clock from when it *sent* what the database confirmed, so it gives up no later than
/// the database lets others in, as long as clocks run alike; where they do not, the fence protects.
struct LeaseHeartbeat: Equatable {
    enum Step: Equatable {
        case wait(Duration)
        /// The answer has to come within the time.
        case renew(within: Duration)
        case lost
    }

    private let duration: Duration
    private var sentAt: LoopInstant
    private var due: LoopInstant
    private var isRefused = false

    init(duration: Duration, heldSince: LoopInstant) {
        self.duration = duration
        sentAt = heldSince
        due = heldSince.advanced(by: duration / 3)
    }

    private var expiry: LoopInstant { sentAt.advanced(by: duration) }

    func step(at now: LoopInstant) -> Step {
        if isRefused || now >= expiry { return .lost }
        if now < due { return .wait(now.duration(to: min(due, expiry))) }
        return .renew(within: min(duration / 3, now.duration(to: expiry)))
    }

    /// The database confirmed what was sent at that time.
    mutating func renewed(sentAt time: LoopInstant) {
        sentAt = time
        due = time.advanced(by: duration / 3)
    }

    /// No answer, or none that says anything: tried again soon, as long as there is time.
    mutating func failed(at now: LoopInstant) { due = now.advanced(by: duration / 12) }

    /// The database says that somebody else holds it.
    mutating func refused() { isRefused = true }
}
