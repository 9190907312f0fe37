import Loop

extension HTTP1ServerDriver {
    var wantsInput: Bool {
        switch state.inbound {
        case .idle, .head: pending.isEmpty || (connection?.output.isComfortable ?? false)
        case .body: pending.isEmpty && window.room > 0
        case .complete: pending.isEmpty
        case .unwanted, .ignored: true
        }
    }

    var readsAfterHangUp: Bool { false }

    func received(_ bytes: UnsafeRawBufferPointer) {
        if pending.isEmpty {
            let used = process(bytes)
            if connection != nil, used < bytes.count { pending.append(bytes.part(used..<bytes.count)) }
        } else {
            pending.append(bytes)
            processPending()
        }
        updateWatch()
    }

    /// Deals with what had to wait, as far as that is possible now.
    func processPending() {
        guard !pending.isEmpty, !isProcessing else { return }
        let left = pending.take().worked { process($0) }
        if connection != nil { pending = left }
    }

    /// - Returns: how many of the bytes are dealt with.
    private func process(_ bytes: UnsafeRawBufferPointer) -> Int {
        isProcessing = true
        defer { isProcessing = false }
        var position = 0
        while let connection {
            switch state.inbound {
            case .idle, .head:
                guard position < bytes.count, connection.output.isComfortable else { return position }
                guard takeHead(bytes, &position) else { return position }
            case .body:
                guard takeBody(bytes, &position) else { return position }
            case .complete:
                pump()
                if state.inbound == .complete { return position }
            case .unwanted:
                guard skipBody(bytes, &position) else { return position }
            case .ignored:
                farewellLeft -= bytes.count - position
                if farewellLeft < 0 { connection.close("the peer went on sending") }
                return bytes.count
            }
        }
        return bytes.count
    }

    private func takeHead(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        state.headBegan()
        let message = bytes.part(position..<bytes.count)
        switch scanner.scan(message) {
        case .incomplete: return false
        case .bad(let failure): perform(state.failed(failure))
        case .found(let start, let end):
            do {
                let request = try HTTP1Request(
                    message, start: start, end: end, isEncrypted: connection?.peer.isEncrypted ?? false,
                    limit: limits.headerBytes)
                position += end + 2
                begin(request)
            } catch {
                perform(state.failed(error))
            }
        }
        return true
    }

    private func begin(_ request: HTTP1Request) {
        guard let connection else { return }
        let stream = HTTPStream(loop: loop, request: request.head, peer: connection.peer, driver: self)
        stream.dropsBody = request.head.method == .head
        self.stream = stream
        statistics.streamOpened()
        decoder = HTTP1BodyDecoder(request.framing, limit: limits.headerBytes)
        window = ReceiveWindow(limits.streamWindowBytes)
        state.received(
            HTTP1ServerState.Request(
                isHead: request.head.method == .head, isVersion11: request.head.version == .http11,
                keepsAlive: request.keepsAlive, hasBody: request.framing != .none,
                expectsContinue: request.expectsContinue))
        stream.receiver = handler.receiver(for: stream)
        if request.expectsContinue {
            pump()
            perform(state.receiverChosen())
        }
        if request.framing == .none { endRequest(nil) }
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        switch decoder.next(bytes, at: &position, maximum: window.room) {
        case .needsMore: return false
        case .bytes(let range):
            window.take(range.count)
            watch.progress(now: loop.turnStart)
            stream?.receiver?.received(body: bytes.part(range))
        case .end(let trailers):
            perform(state.requestEnded())
            endRequest(trailers)
        case .bad(let failure): perform(state.failed(failure))
        }
        return true
    }

    private func endRequest(_ trailers: HeaderFields?) {
        guard let stream else { return }
        stream.isInputEnded = true
        stream.receiver?.receivedEnd(trailers: trailers)
    }

    private func skipBody(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        switch decoder.next(bytes, at: &position, maximum: .max) {
        case .needsMore: return false
        case .bytes(let range): perform(state.skipped(range.count))
        case .end: perform(state.requestEnded())
        case .bad(let failure): perform(state.failed(failure))
        }
        return true
    }
}
