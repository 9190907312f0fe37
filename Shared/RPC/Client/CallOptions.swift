/// What one call wants otherwise than its channel. What is nil is the channel's choice.
public struct CallOptions: Sendable {
    /// How long the caller waits for the whole call, retries included; for ever where nil.
    public var timeout: Duration?
    /// True waits for a connection as long as the time-out allows; false fails with `unavailable` as soon as no address
    /// can be reached.
    public var waitForReady: Bool?
    /// How requests are compressed. A single message may say otherwise when it is written.
    public var compression: Compression?
    /// The largest response that is taken, before and after decompression.
    public var messageBytes: Int?
    public var codec: Codec?
    /// Connect only: methods without side effects are called with GET, so that caches can answer.
    public var usesGet: Bool?
    /// Replaces the channel's policy, and applies even to methods that are not declared idempotent.
    public var retry: RetryPolicy?

    public init(
        timeout: Duration? = nil, waitForReady: Bool? = nil, compression: Compression? = nil,
        messageBytes: Int? = nil, codec: Codec? = nil, usesGet: Bool? = nil, retry: RetryPolicy? = nil
    ) {
        self.timeout = timeout
        self.waitForReady = waitForReady
        self.compression = compression
        self.messageBytes = messageBytes
        self.codec = codec
        self.usesGet = usesGet
        self.retry = retry
    }
}
