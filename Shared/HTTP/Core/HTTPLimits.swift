/// What one connection may cost. Every limit has a default that suits a service on an open port.
public struct HTTPLimits: Sendable {
    /// Bytes of all header fields of one message, each counted with 32 more. Over it: 431.
    public var headerBytes = 64 * 1024
    /// Streams that one HTTP/2 connection may have open.
    public var concurrentStreams = 1024
    /// Bytes of body that one stream may have under way before its receiver takes some.
    public var streamWindowBytes = 1024 * 1024
    public var connectionWindowBytes = 16 * 1024 * 1024
    /// Bytes of body that all streams of one HTTP/2 connection may hold before their receivers take some. Over it the
    /// whole connection waits, after at most another `connectionWindowBytes`.
    public var connectionUnreadBytes = 32 * 1024 * 1024
    public var frameBytes = 256 * 1024
    /// Connecting and the TLS handshake, together.
    public var handshakeTimeout = Duration.seconds(10)
    /// From a request's first byte to the end of its head; and the wait for HTTP/2's preface.
    public var headTimeout = Duration.seconds(10)
    /// How long a body may make no progress while its receiver wants more, and how long a peer may leave unread what
    /// it is sent. On HTTP/2 the former holds for streams that say `HTTPStream.expectsSteadyBody`.
    public var bodyTimeout = Duration.seconds(30)
    /// How long a connection may rest between requests.
    public var idleTimeout = Duration.seconds(300)
    /// A quiet HTTP/2 connection is asked for a sign of life after this; nil never asks.
    public var keepaliveInterval: Duration? = .seconds(60)
    /// And is given up when none came after this.
    public var keepaliveTimeout = Duration.seconds(20)
    /// How long `drain` waits between saying that the end is near and refusing new streams.
    public var drainNotice = Duration.milliseconds(200)

    public init() {}
}
