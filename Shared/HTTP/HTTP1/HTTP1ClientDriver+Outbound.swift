import Loop

extension HTTP1ClientDriver: StreamDriver {
    func sendHead(_ head: ResponseHead, on stream: HTTPStream, end: Bool) {}

    func outputQueued(on stream: HTTPStream) { connection?.needsFlush() }

    func consumed(_ count: Int, on stream: HTTPStream) {
        guard stream === self.stream else { return }
        window.give(count)
        connection?.needsFlush()
    }

    func reset(_ stream: HTTPStream, _ code: StreamResetCode) {
        guard stream === self.stream else { return }
        closeStream(.reset(code: code, byPeer: false))
        _ = state.fail("the exchange was given up")
        // An orderly end could mean that we still wait for the answer: a server goes on with its work then.
        connection?.abort("the exchange was given up")
    }

    func fillOutput() {
        watch.flushed(pending: connection?.output.count ?? 0, now: loop.turnStart)
        pump()
        processPending()
        guard let connection else { return }
        if wantsInput { connection.resumeReading() }
        updateWatch()
    }

    /// Moves what is to be sent to the connection's output, as far as there is room.
    func pump() {
        guard let stream, let connection, state.outbound == .body else { return }
        if isHeadWaiting { begin(stream, on: connection) }
        while stream === self.stream, stream.queuedBytes > 0, connection.output.isComfortable {
            guard writer.move(from: stream, to: &connection.output) else { return breakOff() }
            stream.outputTaken()
        }
        guard stream === self.stream, stream.isOutputEnded, stream.queuedBytes == 0 else { return }
        guard writer.finish(stream.trailers, to: &connection.output) else { return breakOff() }
        state.requestEnded()
    }

    private func begin(_ stream: HTTPStream, on connection: Connection) {
        isHeadWaiting = false
        let request = stream.request
        var framing = HTTP1Framing.chunked
        var addsLength: Int?
        if let length = request.fields.withValue("content-length", { $0.decimal }) ?? nil {
            framing = .length(length)
        } else if stream.isOutputEnded, stream.trailers == nil {
            framing = .length(stream.queuedBytes)
            if stream.queuedBytes > 0 || [.post, .put, .patch].contains(request.method) {
                addsLength = stream.queuedBytes
            }
        }
        HTTP1Writer.append(request, framing: framing, addsLength: addsLength, to: &connection.output)
        writer = HTTP1BodyWriter(framing)
    }

    /// The body does not match the Content-Length that was told already.
    private func breakOff() {
        closeStream(.reset(code: .internalError, byPeer: false))
        perform(state.fail("the request's body does not match its Content-Length"))
    }

    /// How long an answer may take is the caller's to say: a stream of events may be silent for long.
    private var current: HTTP1Watch.Kind {
        guard let connection, stream != nil else { return .idle }
        if !connection.output.isEmpty { return .output }
        return .nothing
    }

    private func duration(of kind: HTTP1Watch.Kind) -> Duration {
        kind == .idle || kind == .nothing ? limits.idleTimeout : limits.bodyTimeout
    }

    func updateWatch() {
        guard let connection else { return }
        let kind = current
        watch.filled(pending: connection.output.count)
        watch.wait(for: kind, duration(of: kind), on: loop) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        let kind = watch.kind
        guard watch.isOver(duration(of: kind), now: loop.turnStart) else { return updateWatch() }
        switch kind {
        case .idle: perform(state.fail("the connection was not used"))
        case .output: perform(state.fail("the peer does not read the request"))
        default: return
        }
    }
}
