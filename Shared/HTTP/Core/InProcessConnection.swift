import Loop

/// Connects clients' streams to a handler in the same process: no socket and no protocol bytes, but the same order of
/// events, windows and backpressure as over a wire. For tests, and for services that run in one process. Confined to its
/// loop.
public final class InProcessConnection {
    public let loop: EventLoop
    public let peer: PeerIdentity
    let handler: any HTTPServerHandler
    let limits: HTTPLimits
    let statistics: HTTPStatistics
    private var exchanges: [ObjectIdentifier: InProcessExchange] = [:]
    private var closeReason: String?
    private var isDraining = false

    /// Called on the loop when more streams may be opened than before, and when the connection is closed.
    public var onChange: (() -> Void)?

    public init(
        handler: any HTTPServerHandler, loop: EventLoop, limits: HTTPLimits = HTTPLimits(),
        statistics: HTTPStatistics = HTTPStatistics(), peer: PeerIdentity = PeerIdentity(address: "in-process")
    ) {
        self.handler = handler
        self.loop = loop
        self.limits = limits
        self.statistics = statistics
        self.peer = peer
    }

    public var isOpen: Bool { closeReason == nil }
    public var isSpent: Bool { closeReason != nil || isDraining }
    public var openCapacity: Int { isSpent ? 0 : max(0, limits.concurrentStreams - exchanges.count) }
    public var activeStreams: Int { exchanges.count }

    /// Sends a request's head; the body follows on the stream. Nil where the connection takes no more streams.
    public func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool = false) -> HTTPStream? {
        guard openCapacity > 0 else { return nil }
        let exchange = InProcessExchange(self, request)
        exchanges[ObjectIdentifier(exchange)] = exchange
        statistics.streamOpened()
        return exchange.start(receiver: receiver, end: end)
    }

    /// Lets the streams under way finish, then closes.
    public func drain() {
        isDraining = true
        if exchanges.isEmpty { close("no longer needed") }
    }

    /// Closes at once.
    public func close(_ reason: String) {
        guard closeReason == nil else { return }
        closeReason = reason
        for exchange in exchanges.values { exchange.connectionClosed(reason) }
        onChange?()
        onChange = nil
    }

    func ended(_ exchange: InProcessExchange) {
        guard exchanges.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
        statistics.streamClosed()
        if isDraining, exchanges.isEmpty { close("no longer needed") }
        onChange?()
    }
}
