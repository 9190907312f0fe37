import HTTP
import Loop
import Protobuf
import Synchronization

/// One call on a client, alive inside `RPCChannel.withCall`.
///
/// It sends requests and takes responses through one stream at a time, and through another one where
/// the first was refused or may be tried again. Confined to its loop, but for the functions that say otherwise.
public final class ClientCall: HTTPStreamReceiver, @unchecked Sendable {
    /// Messages that may wait for the reader before the server's window stays shut.
    static let waitingMax = 4

    public let request: ClientRequest
    let core: ClientCore
    let form: CallForm
    let transport: any CallTransport
    let loop: EventLoop

    var deadline: LoopInstant?
    private var deadlineTimer: LoopTimer?
    /// How the call ended; set once.
    private(set) var outcome: CallOutcome?
    private let isOver = Atomic<Bool>(false)

    // The attempt under way.
    var stream: HTTPStream?
    var isAttempting = false
    var reader: any ResponseReader
    var route: (any CallRoute)?
    var decision = RetryDecision()
    var retryTimer: LoopTimer?
    var isWaitingForRoute = false

    // What is sent.
    var requests = RequestBuffer()
    var waitingWriter: CheckedContinuation<Void, any Error>?

    // What came.
    var metadata: Metadata?
    var messages: [InboundMessage] = []
    var messagesHead = 0
    var isLatestCompressed = false
    var withheldBytes = 0
    var waitingReader: CheckedContinuation<Bytes?, any Error>?
    var waitingForMetadata: [CheckedContinuation<Metadata, any Error>] = []

    init(_ request: ClientRequest, core: ClientCore, transport: any CallTransport) {
        self.request = request
        self.core = core
        self.transport = transport
        loop = transport.loop
        form = CallForm(request, core.configuration)
        reader = form.makeReader()
    }

    // MARK: the call's life

    /// Starts the clock, and the stream where the server may hear of it before the first message. From any executor.
    func start() {
        guard form.timeout != nil || request.method.shape.streamsRequests else { return }
        loop.run { [self] in
            // Cancelled before this turn came.
            guard outcome == nil else { return }
            if let timeout = form.timeout {
                let deadline = loop.clock.now.advanced(by: timeout)
                self.deadline = deadline
                if timeout <= .zero { return deadlinePassed() }
                deadlineTimer = loop.schedule(at: deadline) { [weak self] in self?.deadlinePassed() }
            }
            if request.method.shape.streamsRequests { submit() }
        }
    }

    private func deadlinePassed() {
        fail(RPCError(.deadlineExceeded, "\(request.method) took longer than \(form.timeout ?? .zero)"))
    }

    /// Cancels the call, as the calling task's cancellation does: whoever reads or writes gets `cancelled`, and so does
    /// the server. From any executor.
    public func cancel() {
        loop.run { [self] in fail(RPCError(.cancelled, "the call was cancelled by its caller")) }
    }

    /// The side that sends, for methods of every shape.
    public func requests<Request: Message>(of type: Request.Type = Request.self) -> RequestWriter<Request> {
        RequestWriter(call: self)
    }

    /// The side that receives, for methods of every shape.
    public func responses<Response: Message>(of type: Response.Type = Response.self) -> ResponseStream<Response> {
        ResponseStream(call: self)
    }

    /// The call's scope was left. From any executor.
    func leave() {
        guard !isOver.load(ordering: .acquiring) else { return }
        loop.run { [self] in fail(RPCError(.cancelled, "the call's scope was left before its end")) }
    }

    /// Ends the call from this side: the server hears, what came is dropped.
    func fail(_ error: RPCError) {
        guard outcome == nil else { return }
        dropMessages()
        settle(CallOutcome(error: error))
    }

    /// A message that came can't be read, so that none behind it counts, even where the server said that all went well.
    func spoil(_ error: RPCError) {
        fail(error)
        dropMessages()
        outcome?.error = error
    }

    /// The call is over. Messages that came are still to be read.
    func settle(_ outcome: CallOutcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        if outcome.isTrailersOnly { metadata = nil }
        isOver.store(true, ordering: .releasing)
        deadlineTimer?.cancel()
        deadlineTimer = nil
        retryTimer?.cancel()
        retryTimer = nil
        if isWaitingForRoute {
            isWaitingForRoute = false
            transport.withdraw(self)
        }
        letStreamGo()
        requests.removeAll()
        if outcome.error == nil { core.throttle.succeeded() }
        resumeReader()
        resumeWriter()
        resumeMetadataReaders()
    }

    /// Ends the stream where it has not ended by itself.
    func letStreamGo() {
        guard let stream else { return }
        self.stream = nil
        isAttempting = false
        route = nil
        if !stream.isInputEnded || !stream.isOutputEnded || stream.queuedBytes > 0 { stream.reset(.cancel) }
    }

    private func dropMessages() {
        messages = []
        messagesHead = 0
        if withheldBytes > 0 { stream?.consumed(withheldBytes) }
        withheldBytes = 0
    }

    /// True where the call ended well. From any executor.
    func succeeded() async -> Bool {
        await withCheckedContinuation { continuation in
            loop.run { [self] in continuation.resume(returning: outcome != nil && outcome?.error == nil) }
        }
    }

    // MARK: messages and bytes, from any executor

    /// An encoded message with free bytes in front, as `form.frame` wants it.
    func encode(_ message: some Message) throws -> [UInt8] {
        try form.codec.encode(message, prefix: form.prefix, registry: core.registry)
    }

    func decode<M: Message>(_ type: M.Type, _ bytes: Bytes) throws -> M {
        do { return try form.codec.decode(type, bytes, registry: core.registry) } catch let error as RPCError {
            // The arguments were ours; what can't be read is the server's answer.
            throw RPCError(.internal, error.message)
        }
    }
}
