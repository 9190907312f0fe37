import CNghttp2
import Loop

/// When to ask a quiet peer for a sign of life, and when to give it up.
struct HTTP2Keepalive: Equatable {
    enum Action: Equatable {
        case wait(Duration)
        case ping(answerWithin: Duration)
        case giveUp
    }

    private let interval: Duration?
    private let timeout: Duration
    private var lastReceived: LoopInstant
    private var pinged: LoopInstant?

    init(limits: HTTPLimits, now: LoopInstant) {
        interval = limits.keepaliveInterval
        timeout = limits.keepaliveTimeout
        lastReceived = now
    }

    var isOff: Bool { interval == nil }

    /// Any byte is a sign of life.
    mutating func received(now: LoopInstant) {
        lastReceived = now
        pinged = nil
    }

    mutating func acknowledged() { pinged = nil }

    mutating func due(now: LoopInstant) -> Action {
        guard let interval else { return .wait(.seconds(3600)) }
        if let pinged {
            let left = timeout - pinged.duration(to: now)
            return left <= .zero ? .giveUp : .wait(left)
        }
        let left = interval - lastReceived.duration(to: now)
        guard left <= .zero else { return .wait(left) }
        pinged = now
        return .ping(answerWithin: timeout)
    }
}

extension HTTP2Driver {
    func scheduleKeepalive() {
        guard !keepalive.isOff else { return }
        checkKeepalive()
    }

    private func checkKeepalive() {
        guard let connection else { return }
        let wait: Duration
        switch keepalive.due(now: loop.clock.now) {
        case .wait(let duration): wait = duration
        case .ping(let timeout):
            nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
            connection.needsFlush()
            wait = timeout
        case .giveUp: return connection.close("the peer gave no sign of life")
        }
        keepaliveTimer = loop.schedule(after: wait) { self.checkKeepalive() }
    }

    func drain() {
        guard draining == .no, let connection else { return }
        switch role {
        case .client:
            draining = .refusing
            // The session wants nothing more once this is sent and the last stream is over; then the connection closes.
            nghttp2_submit_goaway(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, StreamResetCode.noError.rawValue, nil, 0)
        case .server:
            draining = .noticed
            nghttp2_submit_shutdown_notice(session)
            // Requests that crossed the notice on the wire are still taken; after it the last identifier is final.
            loop.schedule(after: limits.drainNotice) { self.refuseNewStreams() }
        }
        connection.needsFlush()
    }

    private func refuseNewStreams() {
        guard draining == .noticed, let connection else { return }
        draining = .refusing
        let last = nghttp2_session_get_last_proc_stream_id(session)
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, StreamResetCode.noError.rawValue, nil, 0)
        connection.needsFlush()
    }
}
