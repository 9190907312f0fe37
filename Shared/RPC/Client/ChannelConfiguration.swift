import HTTP
import Loop
import Protobuf

/// Which protocol a channel's calls speak.
public enum CallProtocol: Sendable, Hashable {
    /// Over HTTP/2 only.
    case grpc
    /// Over HTTP/2 and HTTP/1.1.
    case connect
}

/// How a channel reaches its servers and treats its calls.
public struct ChannelConfiguration: Sendable {
    public var callProtocol = CallProtocol.grpc
    public var httpProtocol = ClientProtocol.http2
    public var codec = Codec.proto
    /// A context of role `.client`; plain text where nil.
    public var tls: TLSContext?
    /// The name that requests are addressed to, and that a server must prove, where it is not the address itself. The TLS
    /// configuration's `serverName` overrules it as to the proof.
    public var authority: String?
    /// Signs of life are asked for every five minutes unless said otherwise: many servers close connections of clients
    /// that ask more often (`too_many_pings`).
    public var limits = HTTPLimits()

    /// The largest response taken, before and after decompression.
    public var messageBytes = 64 * 1024 * 1024
    /// How requests are compressed. Compressed responses are always understood.
    public var compression = Compression.identity
    /// Whether servers are told that they may compress.
    public var acceptsCompression = true
    /// Whether calls wait for a connection rather than fail while no address can be reached.
    public var waitForReady = false
    /// The time-out of calls that name none.
    public var timeout: Duration?
    /// Connect only: methods without side effects are called with GET.
    public var usesGet = false

    /// For methods that are declared idempotent or free of side effects.
    public var retry = RetryPolicy()
    /// Sent requests are kept for another attempt up to this many bytes; a single one always.
    public var retryBufferBytes = 1024 * 1024
    /// Failed calls may be repeated while more than half of these are left. Each failure that invites a repetition costs
    /// one, each success gives back a tenth.
    public var retryTokens = 10

    /// The pauses between attempts to connect.
    public var backoff = Backoff()
    /// Calls of one loop that may wait for a connection or for a free stream; the next fails with `resourceExhausted`.
    public var waitingCalls = 10_000
    /// HTTP/1.1 only: connections that each loop may hold to one address.
    public var connectionsPerAddress = 16
    /// Goes in front of `slipway/…` in `user-agent`.
    public var userAgent: String?
    /// The files whose messages an `Any` may hold in JSON, beside protobuf's own.
    public var files: [FileDescriptor] = []
    public var interceptors: [any ClientInterceptor] = []
    /// Where names are looked up, because that blocks; a small pool of the process where nil.
    public var resolver: ComputePool?
    /// Numbers from 0 up to 1 that spread pauses and choices.
    public var chance: @Sendable () -> Double = { Double.random(in: 0..<1) }

    public init() { limits.keepaliveInterval = .seconds(300) }
}
