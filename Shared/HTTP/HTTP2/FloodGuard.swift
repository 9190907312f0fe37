import Loop

/// Decides when a peer asks for more work than it does: frames that cost us an answer or a stream but carry nothing. Each
/// kind has a bucket of allowance that time and honest work refill, so that a busy client that cancels half its calls
/// passes and one that only resets does not.
struct FloodGuard: Equatable {
    enum Action: Equatable {
        case allow
        /// Close with ENHANCE_YOUR_CALM.
        case calm(String)
    }

    private static let resetsBurst = 1000.0
    private static let resetsPerSecond = 200.0
    private static let controlsBurst = 1000.0
    private static let controlsPerSecond = 100.0

    private var resets = resetsBurst
    private var controls = controlsBurst
    private var refilled: LoopInstant

    init(now: LoopInstant) { refilled = now }

    /// The peer gave up a stream that we had not finished.
    mutating func peerReset(now: LoopInstant) -> Action {
        refill(now)
        resets -= 1
        return resets < 0 ? .calm("too many streams were opened and reset") : .allow
    }

    /// A PING, SETTINGS, PRIORITY, WINDOW_UPDATE or empty DATA frame came.
    mutating func control(now: LoopInstant) -> Action {
        controls -= 1
        guard controls < 0 else { return .allow }
        refill(now)
        return controls < 0 ? .calm("too many control frames") : .allow
    }

    /// A stream ran to its end: that pays for a few cancelled ones and for the frames around it.
    mutating func streamFinished() {
        resets = min(resets + 1, FloodGuard.resetsBurst)
        controls = min(controls + 8, FloodGuard.controlsBurst)
    }

    /// Body bytes came: window updates and pings go with them.
    mutating func bodyReceived(_ count: Int) {
        controls = min(controls + 1 + Double(count) / 1024, FloodGuard.controlsBurst)
    }

    /// Body bytes went: the peer answers each window's worth with updates.
    mutating func bodySent(_ count: Int) {
        controls = min(controls + 2 + Double(count) / 256, FloodGuard.controlsBurst)
    }

    private mutating func refill(_ now: LoopInstant) {
        let seconds = Double(now.nanoseconds - refilled.nanoseconds) / 1e9
        guard seconds > 0 else { return }
        refilled = now
        resets = min(resets + seconds * FloodGuard.resetsPerSecond, FloodGuard.resetsBurst)
        controls = min(controls + seconds * FloodGuard.controlsPerSecond, FloodGuard.controlsBurst)
    }
}
