import HTTP
import Loop

/// One request of a caller, from its head to the end of its answer. It hears the caller's stream; at most one `Attempt` at
/// a time hears a replica's. Confined to its loop, and kept alive by the streams and the queue that it is in.
final class Exchange: HTTPStreamReceiver {
    let shard: RouterShard
    let loop: EventLoop
    /// Nil once the caller is gone, or has its whole answer queued.
    var stream: HTTPStream?
    let head: RequestHead
    let peer: PeerIdentity
    let requestID: String
    let isGRPC: Bool
    let began: LoopInstant

    // What it is about, once that is known.
    var endpoint: Endpoint?
    var revision: Revision?
    var keyName: String?
    var prefix: EndpointAddress?
    /// Asked for by number: no other will do.
    var wantedRevision: Int32?
    /// What the caller said, or what it is given, to come to the same revision again.
    var stickiness: String?

    var body = RequestBody()
    var attempt: Attempt?
    /// Replicas that were tried without an answer.
    var tried: [ReplicaMemory] = []
    var tries = 0
    var wait = Wait.none
    var waitsIn: RevisionMemory?
    var queueTimer: LoopTimer?
    var holdTimer: LoopTimer?
    var deadline: LoopTimer?
    /// Answer bytes that the replica may not send more for yet.
    var owed = 0
    var status = 0
    var answeredBytes = 0
    var callStatus: Int?
    var replica: String?
    var isOver = false

    enum Wait: Equatable {
        case none
        /// For a free slot.
        case queued
        /// For the first replica.
        case held
    }

    init(_ stream: HTTPStream, on shard: RouterShard) {
        self.shard = shard
        self.stream = stream
        loop = stream.loop
        head = stream.request
        peer = stream.peer
        began = loop.turnStart
        requestID = RequestID.of(stream.request.fields)
        isGRPC =
            stream.request.fields.withValue("content-type") { value in
                value.starts(with: "application/grpc".utf8)
            } ?? false
        // A call may rightly be silent for hours; a body that somebody waits for may not.
        stream.expectsSteadyBody = !isGRPC
    }

    var settings: RouterSettings { shard.settings }

    /// Whether asking twice is the same as asking once, by what HTTP says.
    var isIdempotent: Bool {
        switch head.method {
        case .get, .head, .options, .put, .delete, .trace: true
        default: false
        }
    }

    /// How long a replica may take to begin its answer; nil where the request can't go to another one.
    var tryTimeout: Duration? {
        guard isIdempotent, !isGRPC, tries < settings.triesMax else { return nil }
        return settings.tryTimeout
    }

    /// The request as a replica gets it.
    func request(to replica: Replica) -> RequestHead {
        let ours = if case .path(_, let count) = prefix { count } else { 0 }
        let fields = ForwardedFields.request(
            head, peer: peer, requestID: requestID, prefix: ours > 0 ? endpoint?.name.prefix : nil,
            authorization: replica.authorization)
        let authority = head.authority
        return RequestHead(
            method: head.method, authority: authority.isEmpty ? "replica" : authority,
            path: EndpointAddress.target(of: head, without: ours), fields: fields)
    }

    var spoken: RouterSettings.ReplicaProtocol {
        // Trailers of either side only pass HTTP/2 whole.
        isGRPC || head.fields.contains("te") ? .http2 : settings.replicaProtocol
    }

    // MARK: From the caller

    func received(body piece: UnsafeRawBufferPointer) {
        guard !isOver else {
            stream?.consumed(piece.count)
            return
        }
        body.append(piece)
        if !isGRPC, body.received > settings.bodyBytesMax { return refuseBody() }
        guard let replicaStream = attempt?.stream else { return }
        replicaStream.send(ArraySlice(piece))
        limitReplay()
        if replicaStream.isWritable { body.giveBack(to: stream) }
    }

    func receivedEnd(trailers: HeaderFields?) {
        body.end(trailers)
        guard !isOver else { return }
        attempt?.stream?.finish(trailers: trailers)
    }

    /// The caller takes more of the answer.
    func outputDrained() {
        attempt?.stream?.consumed(owed)
        owed = 0
    }

    func closed(_ closure: StreamClosure) {
        stream = nil
        guard !isOver else { return }
        // The caller is gone; what a replica still does for it is of no use to anybody.
        status = 499
        finish(failed: false)
    }

    /// The body is too large for what the router takes.
    func refuseBody() {
        let limit = settings.bodyBytesMax
        refuse(Refusal(.tooLarge, "the body has more than \(limit) bytes, which is the router's limits.body"))
    }

    // MARK: To and from a replica

    /// A connection took the request.
    func opened(_ attempt: Attempt, _ replicaStream: HTTPStream) {
        if !body.bytes.isEmpty { replicaStream.send(body.bytes[...]) }
        if body.isEnded { replicaStream.finish(trailers: body.trailers) }
        limitReplay()
        if replicaStream.isWritable { body.giveBack(to: stream) }
    }

    /// The replica takes more of the body.
    func replicaTakesMore() { body.giveBack(to: stream) }

    private func limitReplay() {
        if body.isKept, body.bytes.count > settings.replayBytes { body.drop() }
    }

    func answerBegan(_ head: ResponseHead, _ attempt: Attempt) {
        guard attempt === self.attempt, let stream else { return }
        body.drop()
        status = head.status
        shard.judge(attempt.replica, isGood: !(502...504).contains(status))
        replica = attempt.replica.id
        callStatus = head.fields.text("grpc-status").flatMap { Int($0) }
        var answer = ResponseHead(status: head.status, fields: ForwardedFields.answer(head))
        addOwn(to: &answer.fields)
        stream.send(answer)
        // A stream may rightly last longer than anybody would wait for an answer.
        if isGRPC || isEventStream(head), !hasOwnDeadline {
            deadline?.cancel()
            deadline = nil
        }
    }

    private func isEventStream(_ head: ResponseHead) -> Bool {
        head.fields.withValue("content-type") { $0.starts(with: "text/event-stream".utf8) } ?? false
    }

    func answerCame(_ piece: UnsafeRawBufferPointer, _ attempt: Attempt) {
        guard attempt === self.attempt, let stream else { return }
        answeredBytes += piece.count
        stream.send(ArraySlice(piece))
        if stream.isWritable { attempt.stream?.consumed(piece.count) } else { owed += piece.count }
    }

    func answerEnded(_ trailers: HeaderFields?, _ attempt: Attempt) {
        guard attempt === self.attempt else { return }
        self.attempt = nil
        if let trailers, let text = trailers.text("grpc-status") { callStatus = Int(text) }
        stream?.finish(trailers: trailers)
        finish(failed: isFailure)
    }

    /// A failure for a reason of ours, and not of what was asked.
    private var isFailure: Bool {
        if isGRPC, let callStatus { return [2, 4, 13, 14, 15].contains(callStatus) }
        return status >= 500
    }

    func headRefused(size: Int, limit: Int, _ attempt: Attempt) {
        guard attempt === self.attempt else { return }
        self.attempt = nil
        refuse(Refusal(.malformed, "the head takes \(size) bytes and the replica takes at most \(limit)"))
    }

    /// An attempt ended before its answer did. It has given its slot back.
    func failed(_ attempt: Attempt, _ failure: AttemptFailure) {
        guard attempt === self.attempt else { return }
        self.attempt = nil
        let isGone = if case .unreachable = failure { true } else { false }
        shard.failed(attempt.replica, isGone: isGone, failure.reason, endpoint)
        guard !attempt.hasAnswered else { return breakOff(failure) }
        tried.append(attempt.replica.memory)
        if mayTryAgain(after: failure) { return dispatch() }
        let kind: Refusal.Kind =
            failure == .silent ? .timeout : isGone || failure == .unsent ? .unavailable : .badAnswer
        refuse(Refusal(kind, "no replica answered: \(failure.reason)", retryAfter: kind == .unavailable ? 1 : nil))
    }

    private func mayTryAgain(after failure: AttemptFailure) -> Bool {
        guard tries < settings.triesMax, body.isKept else { return false }
        switch failure {
        case .unreachable, .unsent: return true
        case .silent: return isIdempotent
        case .broken:
            switch settings.retries {
            case .unsent: return false
            case .idempotent: return isIdempotent && !isGRPC
            case .unanswered: return true
            }
        }
    }

    /// The answer's end will not come: the caller must not take what it has for all.
    private func breakOff(_ failure: AttemptFailure) {
        if isGRPC, let stream {
            let reason = GRPCText.encode("the replica's answer broke off: \(failure.reason)")
            stream.finish(trailers: ["grpc-status": "14", "grpc-message": reason])
            callStatus = 14
            return finish(failed: true)
        }
        let stream = stream
        // It is over before the caller's stream says so.
        finish(failed: true)
        stream?.reset(.internalError)
    }
}
