import HTTP
import Protobuf

extension ClientCall {
    /// Sends the one message of a call that has just one. From any executor.
    /// - Throws: `RPCError` where the message can't be written.
    public func sendOnly(_ message: some Message) async throws {
        let framed = try form.frame(try encode(message), compressed: nil)
        loop.run { [self] in
            guard outcome == nil else { return }
            requests.append(framed)
            requests.isEnded = true
            // A call that may send several was submitted when it began.
            if request.method.shape.streamsRequests { sendRequests() } else { submit() }
        }
    }

    /// Sends an encoded message; suspends while too many wait. From any executor.
    func write(_ message: [UInt8], compressed: Bool?) async throws {
        let framed = try form.frame(message, compressed: compressed)
        if loop.isCurrent {
            try writeNow(framed)
            if isWritable { return }
            try await withCheckedThrowingContinuation { waitUntilWritable($0) }
        } else {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                loop.execute { [self] in
                    do {
                        try writeNow(framed)
                        waitUntilWritable(continuation)
                    } catch { continuation.resume(throwing: error) }
                }
            }
        }
    }

    private func writeNow(_ framed: [UInt8]) throws {
        if let outcome {
            throw outcome.error ?? RPCError(.cancelled, "the server has answered and takes no more requests")
        }
        guard !requests.isEnded else { throw RPCError(.internal, "a request was written after the last one") }
        requests.append(framed)
        sendRequests()
    }

    private var isWritable: Bool { stream?.isWritable ?? (requests.unsentBytes < HTTPStream.highWaterMark) }

    private func waitUntilWritable(_ continuation: CheckedContinuation<Void, any Error>) {
        // A call that is over says so to the next write.
        if outcome != nil || isWritable { return continuation.resume() }
        guard waitingWriter == nil else {
            return continuation.resume(
                throwing: RPCError(.internal, "two tasks write the requests of one call at once"))
        }
        waitingWriter = continuation
    }

    /// No more requests. From any executor.
    func finish() async throws {
        loop.run { [self] in
            guard outcome == nil, !requests.isEnded else { return }
            requests.isEnded = true
            if request.method.shape.streamsRequests { sendRequests() } else { submit() }
        }
    }

    /// Sends what waits, where there is a stream.
    func sendRequests() {
        guard let stream else { return }
        if !stream.isOutputEnded {
            requests.takeUnsent(keeping: core.configuration.retryBufferBytes) { stream.send($0) }
            if requests.isEnded { stream.finish() }
        }
        if waitingWriter != nil, isWritable { resumeWriter() }
    }

    public func outputDrained() { resumeWriter() }

    func resumeWriter() {
        guard let waitingWriter else { return }
        self.waitingWriter = nil
        waitingWriter.resume()
    }
}
