import HTTP
import Loop
import Protobuf

/// One call on a server: reads messages from a stream, runs the handler's task, and writes what it answers in the
/// caller's dialect. Confined to the stream's loop, but for the functions that say otherwise.
@usableFromInline
final class ServerCall: HTTPStreamReceiver, @unchecked Sendable {
    /// Messages that may wait for the handler before the caller's window stays shut.
    private static let waitingMax = 4

    @usableFromInline let context: ServerContext
    let stream: HTTPStream
    @usableFromInline let core: RPCServerCore
    let handler: MethodHandler
    private var writer: ResponseWriting
    /// The response of a unary handler, with five free bytes in front; sent when the interceptors are through.
    @usableFromInline var unaryResponse: [UInt8]?
    private var compressesUnaryResponse: Bool?

    private var input: CallInput
    private var messages = MessageQueue()
    private var withheldBytes = 0
    /// Of `messages`, what counts against the server's budget; and what the budget was told, with the partial message.
    private var largeWaitingBytes = 0
    private var heldBytes = 0
    private var isInputEnded = false
    private var isFinished = false
    /// The call ended from outside its handler, which may be at work on another thread.
    private var isAborted = false
    private var failure: RPCError?
    private var reader: UnsafeContinuation<Bytes?, any Error>?
    private var waitingWriter: UnsafeContinuation<Void, any Error>?
    private var task: Task<Void, Never>?
    private var deadlineTimer: LoopTimer?

    init(
        context: ServerContext, stream: HTTPStream, core: RPCServerCore, handler: MethodHandler,
        input: consuming CallInput,
        writer: ResponseWriting
    ) {
        self.context = context
        self.stream = stream
        self.core = core
        self.handler = handler
        self.input = input
        self.writer = writer
        stream.expectsSteadyBody = !context.method.shape.streamsRequests
    }

    var loop: EventLoop { stream.loop }

    /// Starts the handler. Its task runs on this loop once the bytes at hand are parsed, so that a request that came
    /// whole is read without a suspension.
    func start() {
        core.callStarted()
        if let deadline = context.deadline {
            deadlineTimer = loop.schedule(at: deadline) { [self] in deadlinePassed() }
        }
        task = Task(executorPreference: loop) { await self.run() }
        if let timeout = context.timeout, timeout <= .zero { deadlinePassed() }
    }

    private func deadlinePassed() {
        abort(RPCError(.deadlineExceeded, "the deadline passed before the call was done"))
    }

    private func run() async {
        // A call that ended before its first turn does nothing that nobody would hear of.
        if !isFinished {
            do {
                if core.hasInterceptors { try await core.run(self) } else { try await handler.run(self) }
                finish(nil)
            } catch { finish(ServerCall.failure(error)) }
        }
        task = nil
        core.callEnded()
    }

    private static func failure(_ error: any Error) -> RPCError {
        var failure = RPCError(error)
        // An error that calls itself a success, or what nobody knows, would read as anything.
        if !(1...16).contains(failure.code.rawValue) { failure.code = .unknown }
        return failure
    }

    // MARK: messages from the caller

    @usableFromInline
    func received(body: UnsafeRawBufferPointer) {
        guard !isFinished else { return stream.consumed(body.count) }
        let before = messages.count
        do {
            try input.append(body) { keep($0) }
            try hold()
        } catch {
            stream.consumed(body.count)
            return abort(error)
        }
        // A message larger than the window must come through: bytes are held back only while whole messages wait.
        if reader == nil, messages.count > ServerCall.waitingMax {
            withheldBytes += body.count
        } else {
            stream.consumed(body.count)
        }
        if messages.count > before { resumeReader() }
    }

    @usableFromInline
    func receivedEnd(trailers: HeaderFields?) {
        guard !isFinished else { return }
        do {
            try input.end { keep($0) }
            try hold()
        } catch { return abort(error) }
        isInputEnded = true
        resumeReader()
    }

    private func keep(_ message: InboundMessage) {
        messages.append(message)
        largeWaitingBytes += message.largeBytes
    }

    /// Tells the server's budget what the call has in memory of large messages. Small ones come to nothing here.
    private func hold() throws(RPCError) {
        let bytes = largeWaitingBytes + input.largeBytes
        if bytes != heldBytes, !core.budget.hold(bytes, insteadOf: &heldBytes) { throw core.budgetExhausted }
    }

    /// Nobody will take what came: it goes, and its part of the budget with it.
    private func dropMessages() {
        messages = MessageQueue()
        input.removeAll()
        largeWaitingBytes = 0
        if heldBytes > 0 { _ = core.budget.hold(0, insteadOf: &heldBytes) }
    }

    private func resumeReader() {
        guard let reader else { return }
        if !messages.isEmpty {
            self.reader = nil
            reader.resume(with: Result { try takeMessage() })
        } else if isInputEnded {
            self.reader = nil
            reader.resume(returning: nil)
        }
    }

    private func takeMessage() throws(RPCError) -> Bytes? {
        guard let message = messages.takeFirst() else { return nil }
        if withheldBytes > 0, messages.isEmpty {
            stream.consumed(withheldBytes)
            withheldBytes = 0
        }
        if message.largeBytes > 0 {
            largeWaitingBytes -= message.largeBytes
            try hold()
        }
        context.isLatestRequestCompressed = message.isCompressed
        guard message.isFolded else { return message.bytes[...] }
        do { return try message.unfolded(limit: input.limit)[...] } catch {
            abort(error)
            throw error
        }
    }

    /// The next message; nil after the last. From any executor.
    func nextMessage() async throws -> Bytes? {
        if loop.isCurrent {
            // First of all: a call that was given up must not look like one whose caller has said everything.
            if let failure { throw failure }
            if !messages.isEmpty { return try takeMessage() }
            if isInputEnded, !isFinished { return nil }
        }
        return try await withUnsafeThrowingContinuation { continuation in
            loop.run { [self] in
                if let failure { return continuation.resume(throwing: failure) }
                guard !isFinished else { return continuation.resume(throwing: ServerCall.over) }
                guard reader == nil else {
                    return continuation.resume(
                        throwing: RPCError(.internal, "two tasks read the requests of one call at once"))
                }
                reader = continuation
                resumeReader()
            }
        }
    }

    /// The one message of a call whose caller sends just one, where it is here already.
    @usableFromInline
    func takeOnlyMessage() throws -> Bytes? {
        guard loop.isCurrent, isInputEnded, messages.count == 1 else { return nil }
        return try takeMessage()
    }

    /// The one message of a call whose caller sends just one.
    @usableFromInline
    func onlyMessage() async throws -> Bytes {
        guard let message = try await nextMessage() else {
            throw RPCError(.unimplemented, "\(context.method) takes one message and got none")
        }
        guard try await nextMessage() == nil else {
            throw RPCError(.unimplemented, "\(context.method) takes one message and got more")
        }
        return message
    }

    @inlinable
    func decode<M: Message>(_ type: M.Type, _ bytes: Bytes) throws -> M {
        try context.codec.decode(type, bytes, registry: core.registry)
    }

    // MARK: messages to the caller

    /// A message with five free bytes in front.
    @inlinable
    func encode(_ message: some Message) throws -> [UInt8] {
        try context.codec.encode(message, prefix: 5, registry: core.registry)
    }

    /// Sends a message with five free bytes in front; suspends while the queue is full. From any executor.
    func write(_ message: consuming [UInt8], compressed: Bool?) async throws {
        guard context.method.shape.streamsResponses else {
            let message = consume message
            return try await loop.submit { [self] in try keep(message, compressed) }
        }
        if loop.isCurrent {
            try writeNow(consume message, compressed)
            if stream.isWritable { return }
            try await withUnsafeThrowingContinuation { waitUntilWritable($0) }
        } else {
            let message = consume message
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                loop.execute { [self] in
                    do {
                        try writeNow(message, compressed)
                        waitUntilWritable(continuation)
                    } catch { continuation.resume(throwing: error) }
                }
            }
        }
    }

    /// Nothing of a single response goes out before its handler and the interceptors are through.
    private func keep(_ message: [UInt8], _ compressed: Bool?) throws {
        if let failure { throw failure }
        guard !isFinished else { throw ServerCall.over }
        guard unaryResponse == nil else {
            throw RPCError(.internal, "the handler of \(context.method) gave more than one response")
        }
        unaryResponse = message
        compressesUnaryResponse = compressed
    }

    private func writeNow(_ message: consuming [UInt8], _ compressed: Bool?) throws {
        if let failure { throw failure }
        guard !isFinished else { throw ServerCall.over }
        try writer.write(consume message, compressed: compressed, on: self)
    }

    private func waitUntilWritable(_ continuation: UnsafeContinuation<Void, any Error>) {
        if let failure { return continuation.resume(throwing: failure) }
        if stream.isClosed || stream.isWritable { return continuation.resume() }
        guard waitingWriter == nil else {
            return continuation.resume(
                throwing: RPCError(.internal, "two tasks write the responses of one call at once"))
        }
        waitingWriter = continuation
    }

    func sendHead() async throws {
        try await loop.submit { [self] in
            if let failure { throw failure }
            guard !isFinished else { return }
            writer.sendHead(on: self)
        }
    }

    @usableFromInline
    func outputDrained() {
        guard let waitingWriter else { return }
        self.waitingWriter = nil
        waitingWriter.resume()
    }

    // MARK: what goes beside the messages

    // The context belongs to the handler's task: once that is not known to stand still, nothing is taken from there.
    var responseMetadata: Metadata { isAborted ? [:] : context.responseMetadata }
    var trailingMetadata: Metadata { isAborted ? [:] : context.trailingMetadata }
    var compressesResponses: Bool { !isAborted && context.compressesResponses }

    // MARK: the end

    private static let over = RPCError(.cancelled, "the call is over")

    /// The handler is through, with an error or without.
    private func finish(_ error: RPCError?) {
        guard !isFinished else { return }
        isFinished = true
        deadlineTimer?.cancel()
        deadlineTimer = nil
        var error = error
        // Taken out of the optional, so that the prefix is written in place and not into a copy.
        if error == nil, let response = unaryResponse.take() {
            do { try writer.write(response, compressed: compressesUnaryResponse, on: self) } catch {
                return end(RPCError(error))
            }
        } else if error == nil, !context.method.shape.streamsResponses {
            error = RPCError(.internal, "the handler of \(context.method) gave no response")
        }
        end(error)
    }

    private func end(_ error: RPCError?) {
        writer.finish(error, on: self)
        dropMessages()
        if withheldBytes > 0 { stream.consumed(withheldBytes) }
        withheldBytes = 0
        // A handler may have left its streams to a task that is still at them.
        release(failure ?? ServerCall.over)
    }

    /// Ends the call from outside the handler: the caller hears at once, the handler's task is cancelled.
    func abort(_ error: RPCError) {
        guard !isFinished else { return }
        isFinished = true
        isAborted = true
        failure = error
        deadlineTimer?.cancel()
        deadlineTimer = nil
        end(error)
        task?.cancel()
    }

    @usableFromInline
    func closed(_ closure: StreamClosure) {
        deadlineTimer?.cancel()
        deadlineTimer = nil
        guard !isFinished else { return }
        isFinished = true
        isAborted = true
        let error = RPCError(.cancelled, "the caller gave the call up")
        failure = error
        dropMessages()
        release(error)
        task?.cancel()
    }

    private func release(_ error: RPCError) {
        if let reader {
            self.reader = nil
            reader.resume(throwing: error)
        }
        if let waitingWriter {
            self.waitingWriter = nil
            waitingWriter.resume(throwing: error)
        }
    }
}
