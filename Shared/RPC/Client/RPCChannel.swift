import Protobuf

/// A way to call services: over the network, or in process.
///
/// A call lives inside `withCall`: when `body` is left before the response ended, by returning or by throwing, or when the
/// calling task is cancelled, the call is cancelled and its stream reset. So a stream can't leak.
public protocol RPCChannel: Sendable {
    /// Runs one call over bytes; the four shapes of calls are made of it.
    /// - Throws: what `body` throws; `RPCError` where the call can't begin.
    func withCall<Result>(
        _ request: ClientRequest, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result
}

/// What is known of a call before its first message. Interceptors may change it.
public struct ClientRequest: Sendable {
    public let method: AnyMethod
    public var metadata: Metadata
    public var options: CallOptions

    public init(method: AnyMethod, metadata: Metadata = [:], options: CallOptions = CallOptions()) {
        self.method = method
        self.metadata = metadata
        self.options = options
    }
}

/// A response of one message, with the metadata in front of and behind it.
public struct ClientResponse<Response: Sendable>: Sendable {
    public var message: Response
    public var metadata: Metadata
    public var trailingMetadata: Metadata
    /// Whether the message came compressed.
    public var isCompressed: Bool

    public init(
        _ message: Response, metadata: Metadata = [:], trailingMetadata: Metadata = [:], isCompressed: Bool = false
    ) {
        self.message = message
        self.metadata = metadata
        self.trailingMetadata = trailingMetadata
        self.isCompressed = isCompressed
    }
}
