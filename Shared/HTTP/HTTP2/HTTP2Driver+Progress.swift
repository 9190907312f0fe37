import CNghttp2
import Loop

// What a peer may keep waiting, and for how long.
extension HTTP2Driver {
    /// Body bytes go to a receiver. The connection's window opens again at once, so that one slow receiver does not stop
    /// all the others; but not when too many of them are slow, because their windows add up to a gigabyte.
    func bodyCame(_ count: Int, on stream: HTTPStream) {
        stream.unreadBytes += count
        stream.bodyProgress = loop.turnStart
        unreadBytes += count
        if unreadBytes <= limits.connectionUnreadBytes {
            nghttp2_session_consume_connection(session, count)
        } else {
            withheldBytes += count
        }
    }

    /// A receiver gave bytes back, or is gone.
    func bodyTaken(_ count: Int, from stream: HTTPStream) {
        let count = min(count, stream.unreadBytes)
        guard count > 0 else { return }
        stream.unreadBytes -= count
        stream.bodyProgress = loop.turnStart
        unreadBytes -= count
        guard withheldBytes > 0, unreadBytes <= limits.connectionUnreadBytes else { return }
        nghttp2_session_consume_connection(session, withheldBytes)
        withheldBytes = 0
        connection?.needsFlush()
    }

    /// True when the session holds more frames for the peer than honest work can explain. Those that answer bad frames
    /// are made by nghttp2 itself, which does not bound them.
    var isQueueTooLong: Bool {
        guard case .server = role, let session else { return false }
        return nghttp2_session_get_outbound_queue_size(session) > 8 * limits.concurrentStreams + 1000
    }

    func outputBlocked() { watchProgress() }

    /// Makes sure that somebody looks after what waits now. Whatever begins to wait later is due later, so that one timer
    /// is enough, and none where nothing waits.
    func watchProgress() {
        guard progressTimer == nil, connection != nil else { return }
        progressTimer = loop.schedule(at: loop.turnStart.advanced(by: limits.bodyTimeout)) { self.checkProgress() }
    }

    private func checkProgress() {
        progressTimer = nil
        guard let connection else { return }
        let now = loop.turnStart
        var next: LoopInstant?
        func isOver(_ since: LoopInstant) -> Bool {
            let due = since.advanced(by: limits.bodyTimeout)
            if due > now { next = min(next ?? due, due) }
            return due <= now
        }
        if let since = connection.outputBlockedSince, isOver(since) {
            return connection.close("the peer does not read what it is sent")
        }
        var stalled: [HTTPStream] = []
        for stream in streams.all where stream.expectsSteadyBody && !stream.isInputEnded {
            // While the receiver has something to take the peer may have to wait for it.
            if isOver(stream.unreadBytes > 0 ? now : stream.bodyProgress) { stalled.append(stream) }
        }
        for stream in stalled { stream.reset(.cancel) }
        if let next, self.connection != nil {
            progressTimer = loop.schedule(at: next) { self.checkProgress() }
        }
    }
}
