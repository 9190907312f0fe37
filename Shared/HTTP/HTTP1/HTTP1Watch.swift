import Loop

/// What a connection waits for and since when, with one timer that is moved as seldom as possible.
struct HTTP1Watch {
    enum Kind: Equatable { case nothing, idle, head, body, output, farewell }

    private(set) var kind = Kind.nothing
    private(set) var since: LoopInstant
    private var timer: LoopTimer?
    private var timerDeadline = LoopInstant(nanoseconds: .max)
    private var lastPending = 0

    init(now: LoopInstant) { since = now }

    /// Something came or went: the waiting begins anew.
    mutating func progress(now: LoopInstant) { since = now }

    /// The output is about to be filled again: what is gone from it went to the peer.
    mutating func flushed(pending: Int, now: LoopInstant) {
        if pending < lastPending, kind == .output || kind == .farewell { since = now }
        lastPending = pending
    }

    mutating func filled(pending: Int) { lastPending = pending }

    /// Makes sure that `expired` is called when `kind` has lasted for `duration`, at the latest.
    mutating func wait(
        for kind: Kind, _ duration: Duration, on loop: EventLoop, expired: @escaping () -> Void
    ) {
        if kind != self.kind {
            self.kind = kind
            since = loop.turnStart
        }
        guard kind != .nothing else { return }
        let deadline = since.advanced(by: duration)
        // A timer that comes too early only looks and is set again.
        if let timer, timer.isPending, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        timer = loop.schedule(at: deadline, expired)
    }

    func isOver(_ duration: Duration, now: LoopInstant) -> Bool {
        kind != .nothing && since.advanced(by: duration) <= now
    }

    mutating func stop() {
        timer?.cancel()
        timer = nil
        kind = .nothing
    }
}

extension HTTP1ServerDriver {
    private var current: HTTP1Watch.Kind {
        let hasOutput = connection.map { !$0.output.isEmpty } ?? false
        switch state.wait(wantsBody: window.room > 0) {
        case .nothing: return hasOutput ? .output : .nothing
        case .idle: return hasOutput ? .output : .idle
        case .head: return .head
        case .body: return .body
        case .farewell: return isShutDown ? .farewell : .output
        }
    }

    private func duration(of kind: HTTP1Watch.Kind) -> Duration {
        switch kind {
        case .nothing, .idle: limits.idleTimeout
        case .head: limits.headTimeout
        case .body, .output: limits.bodyTimeout
        case .farewell: HTTP1ServerDriver.farewellTime
        }
    }

    func updateWatch() {
        guard let connection else { return }
        let kind = current
        watch.filled(pending: connection.output.count)
        watch.wait(for: kind, duration(of: kind), on: loop) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        guard let connection else { return }
        let kind = watch.kind
        guard watch.isOver(duration(of: kind), now: loop.turnStart) else { return updateWatch() }
        switch kind {
        case .nothing: return
        case .idle: perform(state.expired(.idle))
        case .head: perform(state.expired(.head))
        case .body: perform(state.expired(.body))
        case .output: return connection.close("the peer does not read its answer")
        case .farewell: perform(state.expired(.farewell))
        }
        updateWatch()
    }
}
