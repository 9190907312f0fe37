import HTTP
import Protobuf

extension ClientCall {
    // MARK: HTTPStreamReceiver

    public func received(head: ResponseHead) {
        guard isAttempting else { return }
        route?.heard()
        switch reader.head(head) {
        case .accepted(let metadata):
            requests.commit()
            self.metadata = metadata
            resumeMetadataReaders()
        case .undecided(let metadata): self.metadata = metadata
        case .failed(let outcome):
            attemptEnded(outcome)
        }
    }

    public func received(body: UnsafeRawBufferPointer) {
        guard isAttempting else { return }
        let before = messages.count
        var failure: RPCError?
        do throws(RPCError) {
            try reader.body(body) { messages.append($0) }
        } catch { failure = error }
        // A message larger than the window must come through: bytes are held back only while whole messages wait.
        if failure == nil, waitingReader == nil, messages.count - messagesHead > ClientCall.waitingMax {
            withheldBytes += body.count
        } else {
            stream?.consumed(body.count)
        }
        if messages.count > before {
            requests.commit()
            resumeReader()
        }
        if let failure { settle(CallOutcome(error: failure)) }
    }

    public func receivedEnd(trailers: HeaderFields?) {
        guard isAttempting else { return }
        let before = messages.count
        let outcome = reader.end(trailers) { messages.append($0) }
        if messages.count > before { requests.commit() }
        attemptEnded(outcome)
    }

    public func closed(_ closure: StreamClosure) {
        guard isAttempting else { return }
        streamLost(closure)
    }

    // MARK: the reader's side, from any executor

    /// The next message; nil after the last of a call that succeeded.
    func nextMessage() async throws -> Bytes? {
        if loop.isCurrent, messagesHead < messages.count { return try takeMessage() }
        return try await withCheckedThrowingContinuation { continuation in
            loop.run { [self] in
                guard waitingReader == nil else {
                    return continuation.resume(
                        throwing: RPCError(.internal, "two tasks read the responses of one call at once"))
                }
                waitingReader = continuation
                resumeReader()
            }
        }
    }

    /// The one message of a call whose server sends just one, once the call has ended well.
    /// - Throws: `RPCError` with the call's status, or `unimplemented` where the server sent none or several.
    public func onlyMessage<M: Message>(of type: M.Type = M.self) async throws -> M {
        guard let bytes = try await nextMessage() else {
            throw RPCError(.unimplemented, "\(request.method) gives one message and the server sent none")
        }
        guard try await nextMessage() == nil else {
            throw RPCError(.unimplemented, "\(request.method) gives one message and the server sent more")
        }
        return try decode(M.self, bytes)
    }

    func resumeReader() {
        guard let waitingReader else { return }
        if messagesHead < messages.count {
            self.waitingReader = nil
            waitingReader.resume(with: Result { try takeMessage() })
        } else if let outcome {
            self.waitingReader = nil
            if let error = outcome.error {
                waitingReader.resume(throwing: error)
            } else {
                waitingReader.resume(returning: nil)
            }
        }
    }

    /// Takes the compression off now and not sooner: a window full of small messages may unfold to gigabytes, and only
    /// one at a time is needed.
    private func takeMessage() throws(RPCError) -> Bytes {
        let message = messages[messagesHead]
        messages[messagesHead].bytes = []
        isLatestCompressed = message.isCompressed
        messagesHead += 1
        if messagesHead == messages.count {
            messages.removeAll(keepingCapacity: true)
            messagesHead = 0
            if withheldBytes > 0 {
                stream?.consumed(withheldBytes)
                withheldBytes = 0
            }
        }
        guard message.isFolded else { return message.bytes[...] }
        do { return try ResponseMessages.unfold(message, limit: form.messageBytes)[...] } catch {
            spoil(error)
            throw error
        }
    }

    /// Whether the message that was read last came compressed.
    func wasCompressed() async -> Bool {
        await withCheckedContinuation { continuation in
            loop.run { [self] in continuation.resume(returning: isLatestCompressed) }
        }
    }

    /// What the server sent in front of its messages; waits for it.
    /// - Throws: `RPCError` where the call failed before.
    public func responseMetadata() async throws -> Metadata {
        try await withCheckedThrowingContinuation { continuation in
            loop.run { [self] in
                waitingForMetadata.append(continuation)
                resumeMetadataReaders()
            }
        }
    }

    func resumeMetadataReaders() {
        guard !waitingForMetadata.isEmpty else { return }
        guard requests.isCommitted || outcome != nil, metadata != nil || outcome != nil else { return }
        let waiting = waitingForMetadata
        waitingForMetadata = []
        for continuation in waiting {
            if let metadata {
                continuation.resume(returning: metadata)
            } else if let error = outcome?.error {
                continuation.resume(throwing: error)
            } else {
                continuation.resume(returning: [:])
            }
        }
    }

    /// What the server sent behind its messages; empty before the end.
    public func trailingMetadata() async -> Metadata {
        await withCheckedContinuation { continuation in
            loop.run { [self] in continuation.resume(returning: outcome?.trailing ?? [:]) }
        }
    }
}
