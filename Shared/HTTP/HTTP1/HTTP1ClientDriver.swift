import Loop

/// HTTP/1 on a client's connection: one exchange at a time. `HTTP1ClientState` knows the rules, this moves the bytes.
/// Confined to the connection's loop.
final class HTTP1ClientDriver: ClientDriver {
    let limits: HTTPLimits
    let statistics: HTTPStatistics
    let loop: EventLoop
    private(set) var connection: Connection?
    var onCapacity: (() -> Void)?
    var state = HTTP1ClientState()
    var stream: HTTPStream?

    // The request: its head waits until the turn's end, because its length may be known by then.
    var isHeadWaiting = false
    var writer = HTTP1BodyWriter(.none)

    // The response.
    var scanner: HTTP1HeadScanner
    var decoder = HTTP1BodyDecoder(.none, limit: 0)
    var pending = HTTP1Backlog()
    var isProcessing = false
    var window: ReceiveWindow
    private(set) var isFinished = false
    var watch: HTTP1Watch

    init(connection: Connection, limits: HTTPLimits, statistics: HTTPStatistics) {
        self.connection = connection
        self.limits = limits
        window = ReceiveWindow(limits.streamWindowBytes)
        self.statistics = statistics
        loop = connection.loop
        scanner = HTTP1HeadScanner(limit: limits.headerBytes)
        watch = HTTP1Watch(now: connection.loop.turnStart)
    }

    func started() { updateWatch() }

    var openCapacity: Int { connection != nil && state.canOpen ? 1 : 0 }
    var isSpent: Bool { connection == nil || state.isSpent }
    var activeStreams: Int { stream == nil ? 0 : 1 }

    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream? {
        guard let connection, state.canOpen else { return nil }
        let stream = HTTPStream(loop: loop, request: request, peer: connection.peer, driver: self)
        stream.isHeadSent = true
        stream.isOutputEnded = end
        stream.receiver = receiver
        self.stream = stream
        statistics.streamOpened()
        state.opened(
            isHead: request.method == .head,
            wantsClose: request.fields.withValue("connection") { $0.equalsIgnoringCase("close") } ?? false)
        isHeadWaiting = true
        window = ReceiveWindow(limits.streamWindowBytes)
        scanner = HTTP1HeadScanner(limit: limits.headerBytes)
        connection.needsFlush()
        return stream
    }

    func drain() { perform(state.drain()) }

    func receivedEnd() -> Bool {
        if state.inbound == .body(.untilClose), let stream {
            stream.isInputEnded = true
            stream.receiver?.receivedEnd(trailers: nil)
        }
        perform(state.peerEnded())
        return connection != nil && isFinished
    }

    func connectionClosed(_ reason: String) {
        connection = nil
        watch.stop()
        pending = HTTP1Backlog()
        _ = state.fail(reason)
        closeStream(isHeadWaiting ? .refused : .connectionLost(reason))
        onCapacity?()
        onCapacity = nil
    }

    func perform(_ action: HTTP1ClientState.Action) {
        guard let connection else { return }
        switch action {
        case .nothing, .skipHead, .takeHead: return
        case .finish(let keep):
            isFinished = !keep
            closeStream(.finished)
            connection.needsFlush()
            onCapacity?()
        case .fail(let reason): connection.close(reason)
        }
    }

    func closeStream(_ closure: StreamClosure) {
        isHeadWaiting = false
        guard let stream else { return }
        self.stream = nil
        statistics.streamClosed()
        stream.close(closure)
    }
}
