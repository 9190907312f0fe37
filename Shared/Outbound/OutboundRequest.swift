/// A request to somebody else's server.
public struct OutboundRequest: Sendable {
    public var method: String
    /// `http` or `https`; nothing else is spoken.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: OutboundBody
    /// The Unix socket to connect to instead of the URL's host: Docker's, for example.
    public var unixSocket: String?
    /// Redirects that are followed; each only by GET or HEAD. `Authorization` is not sent to another host.
    public var redirectsMax: Int
    public var connectTimeout: Duration
    /// For everything; nil where only standing still ends it.
    public var timeout: Duration?
    /// How long not a single byte may move.
    public var stallTimeout: Duration
    public var trust: OutboundTrust

    public init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [],
        body: OutboundBody = .none, unixSocket: String? = nil, redirectsMax: Int = 0,
        connectTimeout: Duration = .seconds(10), timeout: Duration? = nil, stallTimeout: Duration = .seconds(30),
        trust: OutboundTrust = OutboundTrust()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.unixSocket = unixSocket
        self.redirectsMax = redirectsMax
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.stallTimeout = stallTimeout
        self.trust = trust
    }
}

public enum OutboundBody: Sendable {
    case none
    case bytes([UInt8])
    /// Asked for the next piece whenever the last is sent; nil ends it. With a size the peer is told it in front.
    case stream(size: Int64?, next: @Sendable () async throws -> ArraySlice<UInt8>?)
}

/// Whom to believe, and who we are.
public struct OutboundTrust: Sendable {
    /// A file of certificates to believe instead of the machine's.
    public var authorities: String?
    /// Files with our own certificate and its key.
    public var certificate: String?
    public var key: String?
    /// False accepts any certificate: only where a person asked for it by name.
    public var verifies: Bool

    public init(
        authorities: String? = nil, certificate: String? = nil, key: String? = nil, verifies: Bool = true
    ) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.verifies = verifies
    }
}

/// Why there was no answer, or not all of it. No URL and no header is in the text: they may hold secrets.
public struct OutboundError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Equatable {
        /// The request itself can't be made.
        case invalidRequest
        case unknownHost
        case unreachable
        /// An address that the client's networks don't have.
        case refused
        /// A certificate that is not believed, or no TLS at all.
        case untrusted
        case timedOut
        /// The connection broke, or the peer speaks something else.
        case broken
        /// More than the caller wants to take.
        case tooLarge
        case cancelled
        case resources
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same request may work a little later.
    public var isTransient: Bool {
        switch code {
        case .unknownHost, .unreachable, .timedOut, .broken: true
        case .invalidRequest, .refused, .untrusted, .tooLarge, .cancelled, .resources: false
        }
    }

    public var description: String { message }
}
