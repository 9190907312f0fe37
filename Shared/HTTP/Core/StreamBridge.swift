import Loop

/// Why an exchange could not go on.
public enum HTTPExchangeError: Error, Equatable, CustomStringConvertible {
    case closed(StreamClosure)
    /// The whole exchange took longer than it was given.
    case deadlineExceeded(Duration)
    /// The body has more bytes than the one who collects it takes.
    case bodyTooLarge(limit: Int)
    case notConnected(String)

    public var description: String {
        switch self {
        case .closed(.finished): "the exchange is over"
        case .closed(.reset(let code, let byPeer)):
            "\(byPeer ? "the peer" : "this side") gave the exchange up (code \(code.rawValue))"
        case .closed(.refused): "the peer refused the request without looking at it"
        case .closed(.headTooLarge(let size, let limit)):
            "the request's head takes \(size) bytes and the peer takes at most \(limit)"
        case .closed(.connectionLost(let reason)): "the connection was lost: \(reason)"
        case .deadlineExceeded(let duration): "the exchange took longer than \(duration)"
        case .bodyTooLarge(let limit): "the body has more than \(limit) bytes"
        case .notConnected(let reason): reason
        }
    }
}

/// Joins a stream's callbacks to tasks that wait. Confined to the stream's loop, except where a method says otherwise.
final class StreamBridge: HTTPStreamReceiver, @unchecked Sendable {
    let loop: EventLoop
    private(set) var stream: HTTPStream?
    private(set) var closure: StreamClosure?
    /// Told when the stream is gone; `true` where everything had been sent.
    var onClosed: ((_ isOutputComplete: Bool) -> Void)?

    /// Client: told when the exchange fails before there is a stream.
    var onConnectFailure: ((any Error) -> Void)?

    private var head: ResponseHead?
    private var chunks: [ArraySlice<UInt8>] = []
    private var taken = 0
    private var isBodyEnded = false
    private(set) var trailers: HeaderFields?
    private var failure: (any Error)?

    private var headWait: LoopWait<ResponseHead>?
    private var bodyWait: LoopWait<ArraySlice<UInt8>?>?
    private var writeWait: LoopWait<Void>?
    private var deadline: LoopTimer?

    init(loop: EventLoop) { self.loop = loop }

    func attach(_ stream: HTTPStream) {
        self.stream = stream
        onConnectFailure = nil
        if failure != nil { stream.reset(.cancel) }
    }

    // MARK: From the stream

    func received(head: ResponseHead) {
        self.head = head
        headWait?.resume(.success(head))
        headWait = nil
    }

    func received(body: UnsafeRawBufferPointer) {
        // A reader that is behind gets fewer and larger pieces.
        if taken < chunks.count, chunks[chunks.count - 1].count + body.count <= 64 * 1024 {
            return chunks[chunks.count - 1].append(contentsOf: body)
        }
        let chunk = ArraySlice(body)
        if let bodyWait, bodyWait.isPending {
            self.bodyWait = nil
            bodyWait.resume(.success(chunk))
            stream?.consumed(chunk.count)
        } else {
            chunks.append(chunk)
        }
    }

    func receivedEnd(trailers: HeaderFields?) {
        self.trailers = trailers
        isBodyEnded = true
        bodyWait?.resume(.success(nil))
        bodyWait = nil
    }

    func outputDrained() {
        writeWait?.resume(.success(()))
        writeWait = nil
    }

    func closed(_ closure: StreamClosure) {
        let isOutputComplete = stream?.isOutputEnded ?? false
        self.closure = closure
        stream = nil
        deadline?.cancel()
        deadline = nil
        let error = failure ?? HTTPExchangeError.closed(closure)
        headWait?.resume(.failure(error))
        bodyWait?.resume(.failure(error))
        writeWait?.resume(.failure(error))
        (headWait, bodyWait, writeWait) = (nil, nil, nil)
        let told = onClosed
        onClosed = nil
        told?(isOutputComplete)
    }

    // MARK: From this side

    /// Ends the exchange; who waits or comes to wait hears `error`.
    func fail(_ error: any Error) {
        guard closure == nil, failure == nil else { return }
        failure = error
        stream?.reset(.cancel)
        onConnectFailure?(error)
        onConnectFailure = nil
    }

    func setDeadline(after duration: Duration) {
        guard closure == nil else { return }
        deadline = loop.schedule(after: duration) { [weak self] in
            self?.fail(HTTPExchangeError.deadlineExceeded(duration))
        }
    }

    /// Lets go of the stream; what it still has to say does not matter.
    func abandon() {
        deadline?.cancel()
        deadline = nil
        chunks = []
        stream?.reset(.cancel)
    }

    /// Spelled out: the optimiser fails on `??` between two kinds of error.
    private var lossError: any Error {
        if let failure { return failure }
        return HTTPExchangeError.closed(closure ?? .finished)
    }

    // MARK: From any executor

    func receiveHead() async throws -> ResponseHead {
        try await loop.wait { [self] wait in
            if let head {
                wait.resume(.success(head))
            } else if closure != nil || failure != nil {
                wait.resume(.failure(lossError))
            } else {
                headWait = wait
            }
        }
    }

    /// The next piece of the body, nil at its end. Its bytes go back to the peer's window.
    func receiveChunk() async throws -> ArraySlice<UInt8>? {
        if loop.isCurrent, let chunk = takeChunk() { return chunk }
        return try await loop.wait { [self] wait in
            if let chunk = takeChunk() {
                wait.resume(.success(chunk))
            } else if isBodyEnded {
                wait.resume(.success(nil))
            } else if closure != nil || failure != nil {
                wait.resume(.failure(lossError))
            } else {
                bodyWait = wait
            }
        }
    }

    private func takeChunk() -> ArraySlice<UInt8>? {
        guard taken < chunks.count else { return nil }
        let chunk = chunks[taken]
        chunks[taken] = []
        taken += 1
        // A reader that never quite catches up must not leave a trail of what it took.
        if taken == chunks.count || taken > 32 && taken * 2 > chunks.count {
            chunks.removeFirst(taken)
            taken = 0
        }
        stream?.consumed(chunk.count)
        return chunk
    }

    /// Queues bytes once the stream takes some.
    func send(_ bytes: ArraySlice<UInt8>) async throws {
        if loop.isCurrent, let stream, stream.isWritable { return stream.send(bytes) }
        try await whenWritable()
        try await perform { $0.send(bytes) }
    }

    private func whenWritable() async throws {
        try await loop.wait { [self] (wait: LoopWait<Void>) in
            guard let stream else { return wait.resume(.failure(lossError)) }
            if stream.isWritable { wait.resume(.success(())) } else { writeWait = wait }
        }
    }

    /// Does something to the stream on its loop.
    func perform(_ body: @escaping @Sendable (HTTPStream) -> Void) async throws {
        try await loop.submit { [self] in
            guard let stream else { throw lossError }
            body(stream)
        }
    }
}
