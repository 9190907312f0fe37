import Loop

/// One request and its response on a connection, whatever the protocol version, seen from either side.
///
/// It lives on its connection's loop: every call comes from that loop's thread, and the receiver is called there. Sending
/// never blocks; whoever sends much asks `isWritable` and waits for `outputDrained`. Bytes that were received count
/// against the peer's window until `consumed` gives them back.
open class HTTPStream {
    /// At this many queued bytes a sender should pause, and below the low mark it hears that it can go on.
    public static let highWaterMark = 64 * 1024
    static let lowWaterMark = 16 * 1024

    public let loop: EventLoop
    /// The request: received on a server, sent on a client.
    public internal(set) var request: RequestHead
    public let peer: PeerIdentity
    /// Hears what happens. Set once, before the turn ends in which the stream came to be; released on close.
    public var receiver: (any HTTPStreamReceiver)?

    var driver: (any StreamDriver)?
    var identifier: Int32 = 0
    var outbound = OutboundQueue()
    public internal(set) var isHeadSent = false
    /// Nothing more will be queued.
    public internal(set) var isOutputEnded = false
    public internal(set) var isInputEnded = false
    public internal(set) var isClosed = false
    var trailers: HeaderFields?
    var isDeferred = false
    var hasSenderWaiting = false
    /// Server: the receiver can do nothing before the body is there, so that a peer that goes silent in the middle of it
    /// is only in the way: after `HTTPLimits.bodyTimeout` the stream is reset. Left false where messages may rightly be
    /// hours apart, as in a call that streams its requests: nobody but its deadline knows when it has lasted too long.
    public var expectsSteadyBody = false
    /// HTTP/2: bytes with the receiver that it has not given back, and when the body last moved.
    var unreadBytes = 0
    var bodyProgress = LoopInstant(nanoseconds: 0)
    /// HTTP/2: RST_STREAM came for it.
    var isResetByPeer = false
    /// Client: the request's head left this machine's buffers, so that the peer may act on it.
    var isRequestSent = false
    /// Server: the request was HEAD, so that only the head of the answer goes out whatever the handler says.
    var dropsBody = false
    var inbound = InboundHead()

    init(loop: EventLoop, request: RequestHead, peer: PeerIdentity, driver: (any StreamDriver)?) {
        self.loop = loop
        self.request = request
        self.peer = peer
        self.driver = driver
    }

    /// Body bytes queued and not yet handed to the connection.
    public var queuedBytes: Int { outbound.byteCount }

    /// False while enough is queued; `outputDrained` tells when that is over.
    public var isWritable: Bool {
        if outbound.byteCount < HTTPStream.highWaterMark { return true }
        hasSenderWaiting = true
        return false
    }

    /// Server: sends the response's head. At most once; ignored after the stream closed.
    public func send(_ head: ResponseHead, end: Bool = false) {
        guard !isClosed, !isHeadSent, let driver else { return }
        isHeadSent = true
        isOutputEnded = end
        driver.sendHead(head, on: self, end: end)
    }

    /// Queues body bytes. Ignored after the end or the close.
    public func send(_ bytes: ArraySlice<UInt8>) {
        guard !isClosed, !isOutputEnded, !dropsBody, let driver else { return }
        outbound.append(bytes)
        driver.outputQueued(on: self)
    }

    /// Queues the end of the body, with trailers where the protocol can carry them.
    public func finish(trailers: HeaderFields? = nil) {
        guard !isClosed, !isOutputEnded, let driver else { return }
        isOutputEnded = true
        self.trailers = trailers
        driver.outputQueued(on: self)
    }

    /// Gives `count` received bytes back to the peer's window.
    public func consumed(_ count: Int) {
        guard !isClosed, count > 0 else { return }
        driver?.consumed(count, on: self)
    }

    /// Ends the stream at once; what is queued is dropped.
    public func reset(_ code: StreamResetCode) {
        guard !isClosed else { return }
        driver?.reset(self, code)
    }

    /// The driver's last word on the stream.
    func close(_ closure: StreamClosure) {
        guard !isClosed else { return }
        isClosed = true
        driver = nil
        outbound.removeAll()
        let receiver = self.receiver
        self.receiver = nil
        receiver?.closed(closure)
    }

    /// The driver took bytes from the queue.
    func outputTaken() {
        guard hasSenderWaiting, outbound.byteCount <= HTTPStream.lowWaterMark else { return }
        hasSenderWaiting = false
        receiver?.outputDrained()
    }
}

/// What happens on a stream, in this order: (client: head,) body bytes, end; and at any time, once and last, the close.
/// Called on the stream's loop, possibly while the connection parses: never re-enter the loop from here.
public protocol HTTPStreamReceiver: AnyObject {
    /// Client only: the final response's head.
    func received(head: ResponseHead)
    /// Body bytes, valid during the call only. They stay charged to the peer's window until `HTTPStream.consumed`.
    func received(body: UnsafeRawBufferPointer)
    /// The peer sent all it has.
    func receivedEnd(trailers: HeaderFields?)
    /// The queue fell below the low mark after `isWritable` was false.
    func outputDrained()
    /// The stream is gone.
    func closed(_ closure: StreamClosure)
}

extension HTTPStreamReceiver {
    public func received(head: ResponseHead) {}
    public func outputDrained() {}
}

/// How a stream ended.
public enum StreamClosure: Equatable, Sendable {
    /// Both sides said all they had.
    case finished
    /// One side gave up. `code` is HTTP/2's error code.
    case reset(code: StreamResetCode, byPeer: Bool)
    /// The peer surely has not acted on it: it may be sent again elsewhere.
    case refused
    /// Client: the request's head was never sent, because the peer takes no head of `size` bytes, counted as
    /// `HTTPLimits.headerBytes` is. Sending it again would come to the same.
    case headTooLarge(size: Int, limit: Int)
    /// The connection went away under it; the reason is for a person.
    case connectionLost(String)
}

/// HTTP/2's error codes (RFC 9113, section 7).
public struct StreamResetCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let noError = StreamResetCode(rawValue: 0)
    public static let protocolError = StreamResetCode(rawValue: 1)
    public static let internalError = StreamResetCode(rawValue: 2)
    public static let flowControlError = StreamResetCode(rawValue: 3)
    public static let refusedStream = StreamResetCode(rawValue: 7)
    public static let cancel = StreamResetCode(rawValue: 8)
    public static let compressionError = StreamResetCode(rawValue: 9)
    public static let enhanceYourCalm = StreamResetCode(rawValue: 11)
    public static let inadequateSecurity = StreamResetCode(rawValue: 12)
}

/// What a connection's protocol does for its streams.
protocol StreamDriver: AnyObject {
    func sendHead(_ head: ResponseHead, on stream: HTTPStream, end: Bool)
    func outputQueued(on stream: HTTPStream)
    func consumed(_ count: Int, on stream: HTTPStream)
    func reset(_ stream: HTTPStream, _ code: StreamResetCode)
}

/// A head or trailer while its fields come in.
struct InboundHead {
    var status = 0
    var fields = HeaderFields()
    var isTooLarge = false
    var size = 0
}
