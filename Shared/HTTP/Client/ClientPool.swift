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
    /// Those that may take a request, the one that was used last at the end: it is the warmest, and others may rest.
    private var free: [HTTPClientConnection] = []
    private var connecting = 0
    private var waiting = WaitingRequests()
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
        refuse(HTTPExchangeError.notConnected("the client is closed"))
        for connection in connections { connection.close("the client is closed") }
    }

    /// Hands waiting requests to connections that can take them, and connects anew where that is allowed.
    private func serve() {
        while let connection = free.last, let next = waiting.takeFirst() {
            guard !connection.isSpent, connection.openCapacity > 0,
                let stream = connection.open(next.request, receiver: next.bridge, end: next.end)
            else {
                waiting.putBack(next)
                free.removeAll { $0 === connection }
                continue
            }
            if connection.openCapacity == 0, free.last === connection { free.removeLast() }
            next.bridge.attach(stream)
            next.wait.resume(.success(()))
        }
        while mayConnect { connect() }
        if connections.isEmpty, connecting == 0, waiting.isEmpty { owner?.forget(self) }
    }

    /// More can be opened on a connection than before, or nothing ever again.
    private func changed(_ connection: HTTPClientConnection) {
        if connection.isSpent {
            free.removeAll { $0 === connection }
            if connection.activeStreams == 0 { connections.removeAll { $0 === connection } }
        } else if connection.openCapacity > 0, free.last !== connection {
            free.removeAll { $0 === connection }
            free.append(connection)
        }
        serve()
    }

    private var mayConnect: Bool {
        guard !isClosed, connecting < waiting.count else { return false }
        // One connection carries everything where streams share it; whether they do is known from the first one only.
        let isShared = connections.last.map(\.isMultiplexing) ?? (configuration.wanted != .http11)
        guard isShared else { return connections.count + connecting < configuration.connectionsPerOrigin }
        return connecting == 0 && !connections.contains { !$0.isSpent }
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
        connection.onChange = { [weak self, unowned connection] in self?.changed(connection) }
        changed(connection)
    }

    private func failed(_ error: any Error) {
        connecting -= 1
        let hasOthers = connecting > 0 || connections.contains { !$0.isSpent }
        // With another connection at hand the request may still be served; otherwise all who wait hear why not.
        if !hasOthers { refuse(HTTPExchangeError.notConnected("\(error)")) }
        serve()
    }

    /// Whoever waits hears why not.
    private func refuse(_ error: HTTPExchangeError) {
        while let request = waiting.takeFirst() { request.wait.resume(.failure(error)) }
    }
}

/// Requests in the order in which they came. Those whose task was cancelled meanwhile are passed over.
private struct WaitingRequests {
    private var requests: [ClientPool.Waiting] = []
    private var first = 0
    /// When those that wait no more are looked for: whoever has nobody to serve him must not gather them.
    private var sweepAt = 64

    var count: Int { requests.count - first }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ request: ClientPool.Waiting) {
        requests.append(request)
        guard count > sweepAt else { return }
        requests.removeFirst(first)
        first = 0
        requests.removeAll { !$0.wait.isPending }
        sweepAt = max(64, 2 * requests.count)
    }

    mutating func takeFirst() -> ClientPool.Waiting? {
        while first < requests.count {
            let request = requests[first]
            first += 1
            if first == requests.count {
                requests.removeAll(keepingCapacity: true)
                first = 0
            } else if first > 64, first * 2 > requests.count {
                requests.removeFirst(first)
                first = 0
            }
            if request.wait.isPending { return request }
        }
        return nil
    }

    mutating func putBack(_ request: ClientPool.Waiting) {
        guard first > 0 else { return requests.insert(request, at: 0) }
        first -= 1
        requests[first] = request
    }
}
