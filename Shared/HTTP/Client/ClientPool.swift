import Loop

/// Where requests of one kind go: the same connections can carry them.
struct ClientOrigin: Hashable, Sendable {
    var address: SocketAddress
    var isEncrypted: Bool
    /// The name that the server must prove; nil where nothing is proved.
    var serverName: String?
}

/// One loop's connections of a client. Confined to that loop.
final class ClientPool: @unchecked Sendable {
    /// A request that waits for a connection to take it.
    struct Waiting {
        let request: RequestHead
        let end: Bool
        let bridge: StreamBridge
        let wait: LoopWait<Void>
    }

    let loop: EventLoop
    let configuration: HTTPClient.Configuration
    let statistics: HTTPStatistics
    let resolver: ComputePool
    private var origins: [ClientOrigin: OriginPool] = [:]
    private var closeReason: String?

    init(loop: EventLoop, configuration: HTTPClient.Configuration, statistics: HTTPStatistics, resolver: ComputePool) {
        self.loop = loop
        self.configuration = configuration
        self.statistics = statistics
        self.resolver = resolver
    }

    func open(_ waiting: Waiting, to origin: ClientOrigin) {
        if let closeReason { return waiting.wait.resume(.failure(HTTPExchangeError.notConnected(closeReason))) }
        let pool = origins[origin] ?? OriginPool(origin, self)
        origins[origin] = pool
        pool.open(waiting)
    }

    func forget(_ pool: OriginPool) { origins[pool.origin] = nil }

    func close() {
        closeReason = "the client is closed"
        for pool in origins.values { pool.close() }
    }
}

/// The connections of one loop to one origin.
final class OriginPool: @unchecked Sendable {
    let origin: ClientOrigin
    private let loop: EventLoop
    private let configuration: HTTPClient.Configuration
    private let statistics: HTTPStatistics
    private let resolver: ComputePool
    /// May be gone while a look-up or a connection is still under way: a client can be dropped without being closed.
    private weak var owner: ClientPool?
    private var connections: [HTTPClientConnection] = []
    private var connecting = 0
    private var waiting: [ClientPool.Waiting] = []
    private var isClosed = false

    init(_ origin: ClientOrigin, _ owner: ClientPool) {
        self.origin = origin
        self.owner = owner
        loop = owner.loop
        configuration = owner.configuration
        statistics = owner.statistics
        resolver = owner.resolver
    }

    func open(_ request: ClientPool.Waiting) {
        waiting.append(request)
        serve()
    }

    func close() {
        isClosed = true
        for request in waiting {
            request.wait.resume(.failure(HTTPExchangeError.notConnected("the client is closed")))
        }
        waiting = []
        for connection in connections { connection.close("the client is closed") }
    }

    /// Hands waiting requests to connections that can take them, and connects anew where that is allowed.
    private func serve() {
        connections.removeAll { $0.isSpent && $0.activeStreams == 0 }
        waiting.removeAll { !$0.wait.isPending }
        while let next = waiting.first, let connection = connections.first(where: { $0.openCapacity > 0 }) {
            waiting.removeFirst()
            guard let stream = connection.open(next.request, receiver: next.bridge, end: next.end) else {
                waiting.insert(next, at: 0)
                break
            }
            next.bridge.attach(stream)
            next.wait.resume(.success(()))
        }
        while mayConnect { connect() }
        if connections.isEmpty, connecting == 0, waiting.isEmpty { owner?.forget(self) }
    }

    private var mayConnect: Bool {
        guard !isClosed, connecting < waiting.count else { return false }
        let usable = connections.filter { !$0.isSpent }
        // One connection carries everything where streams share it; whether they do is known from the first one only.
        let isShared = usable.first.map(\.isMultiplexing) ?? (configuration.wanted != .http11)
        return usable.count + connecting < (isShared ? 1 : configuration.connectionsPerOrigin)
    }

    private func connect() {
        connecting += 1
        let address = origin.address
        if let numeric = RawAddress.numeric(address) { return connect([numeric][...], nil) }
        let (loop, resolver) = (loop, resolver)
        Task { [self] in
            let resolved: Result<[RawAddress], any Error>
            do {
                resolved = .success(try await resolver.run { try RawAddress.resolve(address, passive: false) })
            } catch {
                resolved = .failure(error)
            }
            loop.run { [self] in
                switch resolved {
                case .success(let addresses): connect(addresses[...], nil)
                case .failure(let error): failed(error)
                }
            }
        }
    }

    /// Tries one address after the other.
    private func connect(_ addresses: ArraySlice<RawAddress>, _ last: (any Error)?) {
        guard let raw = addresses.first, !isClosed else {
            return failed(last ?? SocketError("no such address", origin.address))
        }
        do {
            _ = try HTTPClientConnection.start(
                to: raw, address: origin.address, tls: origin.isEncrypted ? configuration.tls : nil,
                serverName: origin.serverName, wanted: configuration.wanted, limits: configuration.limits,
                statistics: statistics, loop: loop
            ) { [self] connection, result in
                switch result {
                case .success: connected(connection)
                case .failure(let error): connect(addresses.dropFirst(), error)
                }
            }
        } catch {
            connect(addresses.dropFirst(), error)
        }
    }

    private func connected(_ connection: HTTPClientConnection) {
        connecting -= 1
        guard !isClosed else { return connection.close("the client is closed") }
        connections.append(connection)
        connection.onChange = { [weak self] in self?.serve() }
        serve()
    }

    private func failed(_ error: any Error) {
        connecting -= 1
        let hasOthers = connecting > 0 || connections.contains { !$0.isSpent }
        // With another connection at hand the request may still be served; otherwise all who wait hear why not.
        if !hasOthers {
            let left = waiting
            waiting = []
            for request in left {
                request.wait.resume(.failure(HTTPExchangeError.notConnected("\(error)")))
            }
        }
        serve()
    }
}
