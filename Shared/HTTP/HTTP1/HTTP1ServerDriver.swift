import Loop

/// HTTP/1 on a server's connection: `HTTP1ServerState` knows the rules, this moves the bytes. One request at a time is
/// with the handler; what was sent behind it waits, and reading stops meanwhile. Confined to the connection's loop.
final class HTTP1ServerDriver: ConnectionDriver {
    /// How long and for how many bytes the peer is listened to after the last answer.
    static let farewellTime = Duration.seconds(2)
    static let farewellBytes = 16 * 1024 * 1024

    let handler: any HTTPServerHandler
    let limits: HTTPLimits
    let statistics: HTTPStatistics
    let loop: EventLoop
    /// Held until the connection closes: a stream may outlive it and must find that out safely.
    private(set) var connection: Connection?
    var state = HTTP1ServerState()
    var stream: HTTPStream?

    // The request.
    var scanner: HTTP1HeadScanner
    var decoder = HTTP1BodyDecoder(.none, limit: 0)
    var pending = HTTP1Backlog()
    var isProcessing = false
    var window: ReceiveWindow

    // The response.
    var responseHead: ResponseHead?
    var writer = HTTP1BodyWriter(.none)

    // The end.
    var isLingering = false
    var isShutDown = false
    var farewellLeft = farewellBytes
    private(set) var isFinished = false
    var watch: HTTP1Watch

    init(connection: Connection, handler: any HTTPServerHandler, limits: HTTPLimits, statistics: HTTPStatistics) {
        self.connection = connection
        self.handler = handler
        self.limits = limits
        window = ReceiveWindow(limits.streamWindowBytes)
        self.statistics = statistics
        loop = connection.loop
        scanner = HTTP1HeadScanner(limit: limits.headerBytes)
        watch = HTTP1Watch(now: connection.loop.turnStart)
    }

    func started() { updateWatch() }

    func drain() {
        perform(state.drain())
        connection?.needsFlush()
    }

    func connectionClosed(_ reason: String) {
        connection = nil
        watch.stop()
        pending = HTTP1Backlog()
        responseHead = nil
        closeStream(.connectionLost(reason))
    }

    /// The peer sends no more. That alone is no farewell: whoever sent a whole request may shut its sending side (as `nc`
    /// does at the end of its input) and wait for the answer, and over TCP that looks just like a process that died. So a
    /// caller has left when its connection is reset, when a unix socket is closed, or when an answer finds nobody; then,
    /// and when the end comes within a request, the stream closes and its handler is cancelled.
    func receivedEnd() -> Bool {
        let action = state.peerEnded()
        if action != .nothing { closeStream(.connectionLost("the peer closed the connection within its request")) }
        perform(action)
        return connection.map { !isFinished || !$0.output.isEmpty } ?? false
    }

    func perform(_ action: HTTP1ServerState.Action) {
        guard let connection else { return }
        switch action {
        case .nothing: return
        case .sendContinue: connection.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        case .next: scanner = HTTP1HeadScanner(limit: limits.headerBytes)
        case .linger: isLingering = true
        case .refuse(let failure):
            responseHead = nil
            closeStream(.connectionLost(failure.reason))
            HTTP1Writer.append(failure, to: &connection.output)
            isLingering = true
        case .finish: isFinished = true
        case .close: return connection.close("the exchange could not be finished")
        }
        connection.needsFlush()
    }

    func closeStream(_ closure: StreamClosure) {
        guard let stream else { return }
        self.stream = nil
        statistics.streamClosed()
        stream.close(closure)
    }

    /// After the last answer the peer is told that no more comes, and may read it before the connection goes: closing with
    /// unread bytes would make the kernel throw the answer away.
    func sayFarewell() {
        guard isLingering, !isShutDown, let connection, connection.output.isEmpty else { return }
        isShutDown = true
        connection.shutdownOutput()
    }
}
