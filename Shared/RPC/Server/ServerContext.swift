import HTTP
import Loop
import Synchronization

/// What a handler knows of the call it serves, and what it says beside its messages.
///
/// A context belongs to its call's task: read and write it from there, not from two tasks at once.
public final class ServerContext: @unchecked Sendable {
    public let method: AnyMethod
    /// The protocol in which the caller speaks.
    public let dialect: Dialect
    public let codec: Codec
    /// Asked for the request and the peer, which stay as they were when the call began.
    private let stream: HTTPStream
    /// The time that the caller gave the call when it sent it.
    public let timeout: Duration?
    /// When the caller gives up, on the loop's clock.
    public let deadline: LoopInstant?
    /// Goes in front of the first message; later changes are lost.
    public var responseMetadata = Metadata()
    /// Goes behind the last message.
    public var trailingMetadata = Metadata()
    /// Compresses messages where the caller accepts that. Choose before the first message; a single message may say
    /// otherwise when it is written.
    public var compressesResponses = false

    /// Whether the message that the handler took last came compressed.
    public internal(set) var isLatestRequestCompressed = false

    private var values: [ObjectIdentifier: any Sendable] = [:]

    init(
        method: AnyMethod, dialect: Dialect, codec: Codec, stream: HTTPStream, timeout: Duration?
    ) {
        self.method = method
        self.dialect = dialect
        self.codec = codec
        self.stream = stream
        self.timeout = timeout
        deadline = timeout.map { stream.loop.clock.now.advanced(by: $0) }
    }

    /// The loop on which the call runs.
    public var loop: EventLoop { stream.loop }
    public var peer: PeerIdentity { stream.peer }
    /// The HTTP request that carries the call.
    public var request: RequestHead { stream.request }
    /// The request's metadata as it came, the protocol's own fields included.
    public var metadata: Metadata { Metadata(fields: request.fields) }

    /// Ends the call from outside its handler: the caller hears the error, the handler's task is cancelled. From any
    /// thread; nothing happens where the call is over.
    public func end(_ error: RPCError) {
        loop.run { [self] in (stream.receiver as? ServerCall)?.abort(error) }
    }

    /// How long the caller still waits; nil where it set no limit.
    public var timeRemaining: Duration? { deadline.map { max(.zero, loop.clock.now.duration(to: $0)) } }

    /// Facts that interceptors leave for those behind them, by type of key.
    public subscript<Key: ServerContextKey>(key: Key.Type) -> Key.Value? {
        get { values[ObjectIdentifier(key)] as? Key.Value }
        set { values[ObjectIdentifier(key)] = newValue }
    }
}

/// Names a fact in a `ServerContext`.
public protocol ServerContextKey {
    associatedtype Value: Sendable
}

/// A protocol of calls.
public enum Dialect: Sendable, Hashable {
    case grpc
    /// Connect with one message each way: a plain HTTP request.
    case connectUnary
    case connectStreaming
}
