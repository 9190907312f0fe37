import Loop

extension HTTP1ClientDriver {
    var wantsInput: Bool { pending.isEmpty && window.room > 0 || stream == nil }

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
        while connection != nil {
            switch state.inbound {
            case .idle:
                if position < bytes.count, !isFinished { perform(state.fail("bytes came that nobody asked for")) }
                return bytes.count
            case .head:
                guard position < bytes.count, takeHead(bytes, &position) else { return position }
            case .body:
                guard takeBody(bytes, &position) else { return position }
            }
        }
        return bytes.count
    }

    private func takeHead(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        let message = bytes.part(position..<bytes.count)
        switch scanner.scan(message) {
        case .incomplete: return false
        case .bad(let failure): perform(state.fail(failure.reason))
        case .found(let start, let end):
            scanner = HTTP1HeadScanner(limit: limits.headerBytes)
            do {
                let response = try HTTP1Response(
                    message, start: start, end: end, isHead: state.isHead, limit: limits.headerBytes)
                position += end + 2
                let action = state.received(
                    status: response.head.status, framing: response.framing, keepsAlive: response.keepsAlive)
                if case .takeHead(let framing) = action {
                    decoder = HTTP1BodyDecoder(framing, limit: limits.headerBytes)
                    stream?.receiver?.received(head: response.head)
                }
                perform(action)
            } catch {
                perform(state.fail(error.reason))
            }
        }
        return true
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        switch decoder.next(bytes, at: &position, maximum: window.room) {
        case .needsMore: return false
        case .bytes(let range):
            window.take(range.count)
            watch.progress(now: loop.turnStart)
            stream?.receiver?.received(body: bytes.part(range))
        case .end(let trailers):
            if let stream {
                stream.isInputEnded = true
                stream.receiver?.receivedEnd(trailers: trailers)
            }
            // What is queued may be all there is.
            pump()
            perform(state.responseEnded())
        case .bad(let failure): perform(state.fail(failure.reason))
        }
        return true
    }
}
