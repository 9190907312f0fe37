import Loop

extension HTTP1ServerDriver: StreamDriver {
    /// The head waits until the turn's end: where the whole answer is there by then, its length can be told.
    func sendHead(_ head: ResponseHead, on stream: HTTPStream, end: Bool) {
        guard stream === self.stream else { return }
        responseHead = head
        connection?.needsFlush()
    }

    func outputQueued(on stream: HTTPStream) { if stream.isHeadSent { connection?.needsFlush() } }

    func consumed(_ count: Int, on stream: HTTPStream) {
        guard stream === self.stream else { return }
        window.give(count)
        connection?.needsFlush()
    }

    func reset(_ stream: HTTPStream, _ code: StreamResetCode) {
        guard stream === self.stream else { return }
        responseHead = nil
        let framing = writer.framing
        let hasBegun = state.outbound == .body
        closeStream(.reset(code: code, byPeer: false))
        if hasBegun, framing == .untilClose {
            // An orderly end would look like the body's.
            connection?.abort("the response was given up")
        } else {
            perform(state.responseBroke())
        }
    }

    func fillOutput() {
        watch.flushed(pending: connection?.output.count ?? 0, now: loop.turnStart)
        pump()
        processPending()
        sayFarewell()
        guard let connection else { return }
        if wantsInput { connection.resumeReading() }
        updateWatch()
    }

    /// Moves what the handler said to the connection's output, as far as there is room.
    func pump() {
        guard let stream, let connection else { return }
        if let head = responseHead { begin(head, of: stream, on: connection) }
        guard state.outbound == .body else { return }
        while stream === self.stream, stream.queuedBytes > 0, connection.output.isComfortable {
            guard writer.move(from: stream, to: &connection.output) else { return breakOff() }
            stream.outputTaken()
        }
        guard stream === self.stream, stream.isOutputEnded, stream.queuedBytes == 0 else { return }
        guard writer.finish(stream.trailers, to: &connection.output) else { return breakOff() }
        let action = state.responseEnded(bodyLeft: decoder.knownLeft)
        closeStream(stream.isInputEnded ? .finished : .reset(code: .noError, byPeer: true))
        perform(action)
    }

    private func begin(_ head: ResponseHead, of stream: HTTPStream, on connection: Connection) {
        responseHead = nil
        let isWhole = stream.isOutputEnded && stream.trailers == nil
        let plan = state.responseBegan(
            HTTP1ServerState.Response(
                status: head.status, contentLength: head.fields.withValue("content-length") { $0.decimal } ?? nil,
                wantsClose: head.fields.withValue("connection") { $0.equalsIgnoringCase("close") } ?? false,
                completeLength: isWhole ? stream.queuedBytes : nil))
        HTTP1Writer.append(head, plan: plan, to: &connection.output)
        writer = HTTP1BodyWriter(plan.framing)
    }

    /// The handler's body does not match its Content-Length: only the connection's end can tell the peer.
    private func breakOff() {
        closeStream(.reset(code: .internalError, byPeer: false))
        perform(state.responseBroke())
    }
}
