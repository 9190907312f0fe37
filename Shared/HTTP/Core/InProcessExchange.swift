import Loop

/// One request between two streams of the same process. What one side queues reaches the other at the end of the loop's
/// turn, as it would from a socket, so that nobody is called back from within a call of its own.
final class InProcessExchange: StreamDriver {
    /// One direction's state.
    private struct Flow {
        var window: ReceiveWindow
        var isHeadDelivered = false
        var isEndDelivered = false
    }

    /// A channel without a descriptor: the loop flushes it at the turn's end and never polls it.
    private final class Turn: Channel {
        weak var exchange: InProcessExchange?
        override func flush() { exchange?.move() }
    }

    private let connection: InProcessConnection
    private let client: HTTPStream
    private let server: HTTPStream
    private let turn: Turn
    private var toServer: Flow
    private var toClient: Flow
    private var responseHead: ResponseHead?
    private var reset: (code: StreamResetCode, byClient: Bool)?
    private var isOver = false

    init(_ connection: InProcessConnection, _ request: RequestHead) {
        self.connection = connection
        toServer = Flow(window: ReceiveWindow(connection.limits.streamWindowBytes))
        toClient = toServer
        client = HTTPStream(loop: connection.loop, request: request, peer: connection.peer, driver: nil)
        server = HTTPStream(loop: connection.loop, request: request, peer: connection.peer, driver: nil)
        turn = Turn(descriptor: -1, loop: connection.loop)
    }

    func start(receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream {
        turn.exchange = self
        client.driver = self
        server.driver = self
        client.isHeadSent = true
        client.isOutputEnded = end
        client.receiver = receiver
        server.dropsBody = server.request.method == .head
        needsMove()
        return client
    }

    func connectionClosed(_ reason: String) { finish(client: .connectionLost(reason), server: .connectionLost(reason)) }

    // MARK: StreamDriver

    func sendHead(_ head: ResponseHead, on stream: HTTPStream, end: Bool) {
        responseHead = head
        needsMove()
    }

    func outputQueued(on stream: HTTPStream) { needsMove() }

    func consumed(_ count: Int, on stream: HTTPStream) {
        if stream === server {
            toServer.window.give(count)
        } else {
            toClient.window.give(count)
        }
        needsMove()
    }

    func reset(_ stream: HTTPStream, _ code: StreamResetCode) {
        reset = (code, byClient: stream === client)
        stream.close(.reset(code: code, byPeer: false))
        needsMove()
    }

    // MARK: Moving

    private func needsMove() { if !isOver { connection.loop.markDirty(turn) } }

    private func move() {
        guard !isOver else { return }
        if let reset { return deliver(reset) }
        if !toServer.isHeadDelivered {
            toServer.isHeadDelivered = true
            server.receiver = connection.handler.receiver(for: server)
        }
        if let head = responseHead, reset == nil {
            responseHead = nil
            toClient.isHeadDelivered = true
            client.receiver?.received(head: head)
        }
        move(from: client, to: server, \.toServer)
        if toClient.isHeadDelivered { move(from: server, to: client, \.toClient) }
        // The answer is complete: the rest of the request does not matter any more.
        if reset == nil, toClient.isEndDelivered {
            finish(
                client: .finished,
                server: toServer.isEndDelivered ? .finished : .reset(code: .noError, byPeer: true))
        }
    }

    private func move(
        from sender: HTTPStream, to recipient: HTTPStream, _ flow: ReferenceWritableKeyPath<InProcessExchange, Flow>
    ) {
        let buffer = connection.loop.readBuffer
        while reset == nil, !isOver, sender.queuedBytes > 0,
            self[keyPath: flow].window.room > 0,
            let base = buffer.baseAddress
        {
            let count = min(
                sender.queuedBytes, self[keyPath: flow].window.room, 64 * 1024,
                buffer.count)
            sender.outbound.move(to: base, count: count)
            self[keyPath: flow].window.take(count)
            recipient.receiver?.received(body: UnsafeRawBufferPointer(start: base, count: count))
            sender.outputTaken()
        }
        guard reset == nil, !isOver, sender.isOutputEnded, sender.queuedBytes == 0, !self[keyPath: flow].isEndDelivered
        else { return }
        self[keyPath: flow].isEndDelivered = true
        recipient.isInputEnded = true
        recipient.receiver?.receivedEnd(trailers: sender.trailers)
    }

    private func deliver(_ reset: (code: StreamResetCode, byClient: Bool)) {
        if reset.byClient {
            finish(client: .finished, server: .reset(code: reset.code, byPeer: true))
        } else {
            finish(
                client: reset.code == .refusedStream ? .refused : .reset(code: reset.code, byPeer: true),
                server: .finished)
        }
    }

    private func finish(client clientClosure: StreamClosure, server serverClosure: StreamClosure) {
        guard !isOver else { return }
        isOver = true
        client.close(clientClosure)
        server.close(serverClosure)
        connection.ended(self)
    }
}
