import CLinux
import Glibc
import Loop
import Synchronization

/// Listens on any number of addresses and leads each request to one handler. HTTP/1.1 and HTTP/2 share every port.
public final class HTTPServer: Sendable {
    /// One address to listen on, with TLS where a context is given.
    public struct Endpoint: Sendable {
        public var address: SocketAddress
        public var tls: TLSContext?

        public init(_ address: SocketAddress, tls: TLSContext? = nil) {
            self.address = address
            self.tls = tls
        }
    }

    public let endpoints: [Endpoint]
    public let limits: HTTPLimits
    public let statistics = HTTPStatistics()
    /// Connections over this number are closed as they come.
    public let connectionLimit: Int
    let loops: LoopGroup
    let handler: any HTTPServerHandler
    private let shards: [ServerShard]
    private let bound = Lock<[SocketAddress]?>(nil)
    private let turn = Atomic<Int>(0)

    public init(
        endpoints: [Endpoint], loops: LoopGroup, limits: HTTPLimits = HTTPLimits(), connectionLimit: Int = 100_000,
        handler: any HTTPServerHandler
    ) {
        self.endpoints = endpoints
        self.loops = loops
        self.limits = limits
        self.connectionLimit = connectionLimit
        self.handler = handler
        shards = loops.loops.map { ServerShard(loop: $0) }
        signal(SIGPIPE, SIG_IGN)
    }

    /// Where the server listens, in the order of its endpoints, with the ports that the system chose.
    public var addresses: [SocketAddress] { bound.withLock { $0 ?? [] } }

    /// Binds every endpoint and begins to accept. Resolves names, so it may block.
    /// - Throws: `SocketError` naming the address; nothing listens then.
    public func start() async throws {
        var opened: [(shard: ServerShard, descriptor: Int32, endpoint: Endpoint)] = []
        var addresses: [SocketAddress] = []
        do {
            for endpoint in endpoints {
                let (address, sockets) = try bind(endpoint)
                addresses.append(address)
                opened += sockets.map { ($0.shard, $0.descriptor, endpoint) }
            }
        } catch {
            for socket in opened { close(socket.descriptor) }
            throw error
        }
        for (shard, descriptor, endpoint) in opened {
            try await shard.loop.submit { [self] in try listen(descriptor, endpoint, on: shard) }
        }
        bound.withLock { $0 = addresses }
    }

    private func bind(_ endpoint: Endpoint) throws -> (SocketAddress, [(shard: ServerShard, descriptor: Int32)]) {
        guard var raw = try RawAddress.resolve(endpoint.address, passive: true).first else {
            throw SocketError("no such address", endpoint.address)
        }
        if case .unix(let path) = endpoint.address {
            unlink(path)
            return (endpoint.address, [(shards[0], try Listener.bind(raw, endpoint.address, sharing: false))])
        }
        var sockets: [(ServerShard, Int32)] = []
        for shard in shards {
            do {
                let descriptor = try Listener.bind(raw, endpoint.address, sharing: shards.count > 1)
                sockets.append((shard, descriptor))
                if let local = Listener.localAddress(of: descriptor) { raw = local }
            } catch {
                for (_, descriptor) in sockets { close(descriptor) }
                throw error
            }
        }
        return (SocketAddress(raw.text) ?? endpoint.address, sockets)
    }

    private func listen(_ descriptor: Int32, _ endpoint: Endpoint, on shard: ServerShard) throws {
        let isUnix = if case .unix = endpoint.address { true } else { false }
        let listener = Listener(descriptor: descriptor, loop: shard.loop, address: endpoint.address) {
            [self] client, peer in
            guard isUnix, shards.count > 1 else { return accept(client, peer, endpoint, on: shard) }
            // One socket file has one listener: its connections are dealt out.
            let target = shards[(turn.add(1, ordering: .relaxed).oldValue & Int.max) % shards.count]
            target.loop.run { self.accept(client, peer, endpoint, on: target) }
        }
        try shard.loop.add(listener)
        shard.listeners.append(listener)
    }

    private func accept(_ descriptor: Int32, _ peer: String, _ endpoint: Endpoint, on shard: ServerShard) {
        guard statistics.openConnections < connectionLimit, !shard.isDraining else {
            close(descriptor)
            return
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let session: TLSSession?
        do { session = try endpoint.tls?.makeSession() } catch {
            close(descriptor)
            return
        }
        let connection = Connection(
            descriptor: descriptor, loop: shard.loop, peer: PeerIdentity(address: peer),
            tls: session, isConnecting: false
        ) { [self] connection, chosen in makeDriver(connection, chosen, isEncrypted: endpoint.tls != nil) }
        statistics.connectionOpened()
        shard.connections[ObjectIdentifier(connection)] = connection
        connection.onClose = { [statistics] connection, _ in
            statistics.connectionClosed()
            shard.connections[ObjectIdentifier(connection)] = nil
            shard.connectionClosed()
        }
        connection.start(timeout: limits.handshakeTimeout)
    }

    private func makeDriver(_ connection: Connection, _ chosen: String?, isEncrypted: Bool) -> any ConnectionDriver {
        let choose: (Bool) -> any ConnectionDriver = { [self, unowned connection] isHTTP2 in
            if isHTTP2 {
                return HTTP2Driver(
                    connection: connection, role: .server(handler), limits: limits, statistics: statistics)
            }
            return HTTP1ServerDriver(
                connection: connection, handler: handler, limits: limits, statistics: statistics)
        }
        switch chosen {
        case "h2": return choose(true)
        case "http/1.1": return choose(false)
        default: return PrefaceDriver(connection: connection, timeout: limits.headTimeout, choose: choose)
        }
    }

    /// Stops accepting, lets what is under way finish for at most `grace`, and closes the rest.
    public func shutdown(grace: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards { group.addTask { await shard.drain(grace: grace) } }
        }
        for endpoint in endpoints { if case .unix(let path) = endpoint.address { unlink(path) } }
    }
}

/// One loop's part of a server. Confined to that loop.
final class ServerShard: @unchecked Sendable {
    let loop: EventLoop
    var listeners: [Listener] = []
    var connections: [ObjectIdentifier: Connection] = [:]
    private(set) var isDraining = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(loop: EventLoop) { self.loop = loop }

    func drain(grace: Duration) async {
        await withCheckedContinuation { continuation in
            loop.run { self.startDraining(grace, continuation) }
        }
    }

    private func startDraining(_ grace: Duration, _ continuation: CheckedContinuation<Void, Never>) {
        waiting.append(continuation)
        if !isDraining {
            isDraining = true
            for listener in listeners { loop.remove(listener) }
            listeners = []
            for connection in connections.values {
                if let driver = connection.driver { driver.drain() } else { connection.close("the server stops") }
            }
        }
        loop.schedule(after: grace) { [self] in
            for connection in connections.values { connection.close("the server stopped") }
        }
        connectionClosed()
    }

    func connectionClosed() {
        guard isDraining, connections.isEmpty else { return }
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume() }
    }
}
