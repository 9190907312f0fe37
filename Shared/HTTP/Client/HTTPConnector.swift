import CLinux
import Glibc
import Loop

/// Which protocol a client speaks.
public enum ClientProtocol: Sendable {
    /// HTTP/2: by ALPN over TLS, with prior knowledge otherwise.
    case http2
    case http11
    /// What ALPN says, and HTTP/1.1 where there is no TLS.
    case negotiated
}

/// One client connection. Confined to its loop.
public final class HTTPClientConnection {
    public let loop: EventLoop
    private let connection: Connection
    private let tls: TLSContext?
    private let limits: HTTPLimits
    private let statistics: HTTPStatistics
    private let wanted: ClientProtocol
    private var driver: (any ClientDriver)?
    private var opened: ((Result<Void, any Error>) -> Void)?

    /// Called on the loop when more streams may be opened than before, and when the connection is spent or closed.
    public var onChange: (() -> Void)?

    /// Begins to connect. `completion` is called once, on the loop; the address must be resolved already.
    /// - Parameter serverName: the name to find in the certificate where the TLS configuration gives none; the address's
    ///   host where nil.
    static func start(
        to raw: RawAddress, address: SocketAddress, tls: TLSContext?, serverName: String? = nil,
        wanted: ClientProtocol, limits: HTTPLimits, statistics: HTTPStatistics, loop: EventLoop,
        completion: @escaping (HTTPClientConnection, Result<Void, any Error>) -> Void
    ) throws -> HTTPClientConnection {
        let descriptor = slipway_stream_socket(raw.family)
        guard descriptor >= 0 else { throw SocketError("socket", number: errno, address) }
        if raw.family != AF_UNIX {
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        let status = raw.withPointer { Glibc.connect(descriptor, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else {
            let number = errno
            Glibc.close(descriptor)
            throw SocketError("cannot connect", number: number, address)
        }
        do {
            let session = try tls?.makeSession()
            if let session, let tls {
                let name = tls.configuration.serverName ?? serverName ?? address.hostName
                try session.expect(serverName: name, verifying: tls.configuration.verifiesServer)
            }
            return HTTPClientConnection(
                descriptor: descriptor, session: session, address: address, tls: tls, wanted: wanted, limits: limits,
                statistics: statistics, loop: loop, completion: completion)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private init(
        descriptor: Int32, session: TLSSession?, address: SocketAddress, tls: TLSContext?, wanted: ClientProtocol,
        limits: HTTPLimits, statistics: HTTPStatistics, loop: EventLoop,
        completion: @escaping (HTTPClientConnection, Result<Void, any Error>) -> Void
    ) {
        self.loop = loop
        self.tls = tls
        self.wanted = wanted
        self.limits = limits
        self.statistics = statistics
        var make: (Connection, String?) -> (any ConnectionDriver)? = { _, _ in nil }
        connection = Connection(
            descriptor: descriptor, loop: loop, peer: PeerIdentity(address: address.description), tls: session,
            isConnecting: true
        ) { connection, chosen in make(connection, chosen) }
        make = { [weak self] connection, chosen in self?.makeDriver(connection, chosen) }
        opened = { [unowned self] in completion(self, $0) }
        connection.onOpen = { [weak self] in self?.succeed() }
        // The connection keeps this object until it is closed.
        connection.onClose = { [self] _, reason in closed(SocketError(reason, address)) }
        statistics.connectionOpened()
        connection.start(timeout: limits.handshakeTimeout)
    }

    private func makeDriver(_ connection: Connection, _ chosen: String?) -> (any ConnectionDriver)? {
        let isHTTP2: Bool
        switch (wanted, chosen) {
        case (.http2, "h2"), (.negotiated, "h2"): isHTTP2 = true
        case (.http2, nil) where tls == nil: isHTTP2 = true
        // A server that does not negotiate is taken at our word: some speak HTTP/2 without saying so.
        case (.http2, nil): isHTTP2 = true
        case (.http2, _), (.http11, "h2"): return nil
        case (.http11, _), (.negotiated, _): isHTTP2 = false
        }
        let driver: any ClientDriver =
            isHTTP2
            ? HTTP2Driver(connection: connection, role: .client, limits: limits, statistics: statistics)
            : HTTP1ClientDriver(connection: connection, limits: limits, statistics: statistics)
        driver.onCapacity = { [weak self] in self?.onChange?() }
        self.driver = driver
        return driver
    }

    private func succeed() {
        let opened = self.opened
        self.opened = nil
        opened?(.success(()))
    }

    private func closed(_ error: SocketError) {
        statistics.connectionClosed()
        isClosed = true
        driver = nil
        if let opened {
            self.opened = nil
            opened(.failure(error))
        }
        onChange?()
        onChange = nil
    }

    public var isOpen: Bool { !connection.isClosed && driver != nil }
    /// True once nothing of the connection is left.
    public private(set) var isClosed = false
    /// Why it was closed, for people; nil while it is not.
    public var closeReason: String? { connection.closeReason }
    /// True where this side broke it off in the middle of an exchange.
    public var wasAborted: Bool { connection.wasAborted }
    /// True when no stream will be opened here again.
    public var isSpent: Bool { connection.isClosed || (driver?.isSpent ?? false) }
    public var openCapacity: Int { driver?.openCapacity ?? 0 }
    /// Whether several streams share this connection.
    var isMultiplexing: Bool { driver is HTTP2Driver }
    public var activeStreams: Int { driver?.activeStreams ?? 0 }
    public var peer: PeerIdentity { connection.peer }

    /// Sends a request's head; the body follows on the stream. Nil where the connection takes no more streams.
    public func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool = false) -> HTTPStream? {
        driver?.open(request, receiver: receiver, end: end)
    }

    /// Lets the streams under way finish, then closes.
    public func drain() {
        if let driver { driver.drain() } else { connection.close("no longer needed") }
    }

    /// Closes at once.
    public func close(_ reason: String) { connection.close(reason) }
}

extension SocketAddress {
    /// Reads a request's authority, whose port may be left out. Nil where it names no host.
    init?(authority: String, defaultPort: Int) {
        let hasPort = authority.last != "]" && authority.contains(":")
        self.init(hasPort ? authority : "\(authority):\(defaultPort)")
        guard case .tcp = self, !authority.isEmpty, !authority.hasPrefix(":") else { return nil }
    }

    var hostName: String {
        switch self {
        case .tcp(let host, _): host
        case .unix: "localhost"
        }
    }
}
