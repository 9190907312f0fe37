/// How requests are led on.
public struct RouterSettings: Sendable {
    /// Which protocol replicas are spoken to with where the request leaves the choice: calls of gRPC always go by HTTP/2.
    public enum ReplicaProtocol: Sendable { case http11, http2 }
    /// Which requests are sent again, to another replica, when a replica gave no answer.
    public enum RetryRule: Sendable {
        /// Those of which the replica surely saw nothing.
        case unsent
        /// And those whose method may be repeated, whatever became of the first.
        case idempotent
        /// And all others, as long as no byte of an answer came: scoring is a function of the request.
        case unanswered
    }

    public var replicaProtocol = ReplicaProtocol.http11
    public var retries = RetryRule.unanswered
    /// Replicas that one request is sent to at most.
    public var triesMax = 3
    /// How long one replica may take to begin its answer before a request that may be repeated goes to another; nil, as long
    /// as the request may take.
    public var tryTimeout: Duration?
    public var connectTimeout = Duration.seconds(2)
    /// So much of a request's body is kept for sending it again.
    public var replayBytes = 64 * 1024
    /// The largest body of a request that is no call of gRPC; those have a limit for each message, at the replica.
    public var bodyBytesMax = 64 * 1024 * 1024
    public var ejection = EjectionRules()
    public var logsRequests = true

    public init() {}
}
