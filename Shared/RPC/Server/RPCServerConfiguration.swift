import Protobuf

/// How an RPC server treats its callers.
public struct RPCServerConfiguration: Sendable {
    /// The largest message taken from a caller, before and after decompression.
    public var messageBytes = 64 * 1024 * 1024
    /// Bytes that large messages of all callers together may take while they come in and wait for their handlers: several
    /// times `messageBytes`. The call whose message finds no room is refused with `resourceExhausted`.
    ///
    /// A message is large once 64 KiB of it have come, and counts with what has come, in steps of 64 KiB, until its
    /// handler takes it; the length that a caller promises counts nothing, so that nobody reserves what he does not send.
    /// Smaller ones are not counted: `callsInFlight` bounds them.
    public var bufferedBytes = 256 * 1024 * 1024
    /// Calls that may run at once; the next is refused with `resourceExhausted`.
    public var callsInFlight = 20_000
    /// What a refused caller is told to wait.
    public var retryDelay = Duration.milliseconds(200)
    /// Which web pages may call; nobody's where nil.
    public var crossOrigin: CrossOriginPolicy?
    /// The files whose messages an `Any` may hold in JSON, beside protobuf's own.
    public var files: [FileDescriptor] = []

    public init() {}
}

/// Cross-origin resource sharing: what a browser asks before a page of one origin may call a server of another.
public struct CrossOriginPolicy: Sendable {
    /// Origins as browsers send them (`https://console.example.org`); `*` allows every one.
    public var origins: [String]
    public var maximumAge = Duration.seconds(7200)

    public init(origins: [String]) { self.origins = origins }

    /// The value to answer an origin with; nil where it may not call.
    func allowed(_ origin: String) -> String? { origins.contains("*") || origins.contains(origin) ? origin : nil }
}
