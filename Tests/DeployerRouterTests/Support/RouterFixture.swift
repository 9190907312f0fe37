import Access
import Contracts
import HTTP
import Loop
import ServiceKit
import Testing

@testable import DeployerRouter

typealias Route = Slipway.Routing.V1.Route

/// A router on a free port with a client before it.
struct RouterFixture: Sendable {
    struct Answer: Sendable {
        let status: Int
        let fields: HeaderFields
        let text: String
        let trailers: HeaderFields?
    }

    let router: Router
    let server: HTTPServer
    let address: SocketAddress
    let client: HTTPClient
    /// For replicas.
    let loops: LoopGroup
    let maker: RoutingTableMaker
    let demand: Lock<[Int64]>
    /// Told of demand too.
    let relay: Lock<@Sendable (Int64) -> Void>
    let pool: ComputePool
    /// The router's loops.
    let routerGroup: LoopGroup

    /// Runs `body` against a router, and looks afterwards that nothing stayed open.
    static func run(
        _ settings: RouterSettings = RouterSettings(), loops count: Int = 1, client wanted: ClientProtocol = .http11,
        limits: HTTPLimits = HTTPLimits(), now: @escaping Router.WallClock = { 1_000_000 },
        _ body: (RouterFixture) async throws -> Void
    ) async throws {
        let loops = try LoopGroup(count: count, name: "router")
        let others = try LoopGroup(count: 2, name: "others")
        let pool = ComputePool(threads: 1, queueLimit: 64, name: "names")
        try loops.start()
        try others.start()
        try pool.start()
        let demand = Lock<[Int64]>([])
        let relay = Lock<@Sendable (Int64) -> Void>({ _ in })
        let router = Router(
            loops: loops, settings: settings, logger: .silent, wallClock: now,
            onDemand: { number in
                demand.withLock { $0.append(number) }
                relay.withLock { $0 }(number)
            })
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops, limits: limits, handler: router)
        try await server.start()
        let client = HTTPClient(loops: others, resolver: pool, configuration: configuration(wanted))
        let maker = RoutingTableMaker(
            domain: "example.test",
            unsealing: .init(replicaKey: { sealed, _ in sealed.reversed() }, certificateKey: { sealed, _ in sealed }))
        let fixture = RouterFixture(
            router: router, server: server, address: try #require(server.addresses.first), client: client,
            loops: others, maker: maker, demand: demand, relay: relay, pool: pool, routerGroup: loops)
        do { try await body(fixture) } catch { Issue.record(error) }
        await client.close()
        await server.shutdown(grace: .seconds(5))
        await router.close()
        try await eventually("every stream to a replica ends") { router.statistics.openStreams == 0 }
        #expect(server.statistics.openStreams == 0)
        loops.stop()
        others.stop()
        pool.stop()
    }

    private static func configuration(_ wanted: ClientProtocol) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(wanted: wanted)
        configuration.connectionsPerOrigin = 64
        return configuration
    }

    /// Makes these the routes, with the tables' memory going on.
    @discardableResult
    func adopt(_ routes: Route...) async throws -> [RoutingTableMaker.Problem] {
        let (table, problems) = maker.table(of: routes, after: router.table)
        router.adopt(table)
        // Adopting is told to each loop before anything that is told to it from here on.
        for loop in server.endpoints.isEmpty ? [] : routerLoops { try await loop.submit {} }
        return problems
    }

    private var routerLoops: [EventLoop] { router.loops }

    func ask(
        _ path: String, _ method: HTTPMethod = .get, host: String? = nil, key: String? = "key",
        fields: HeaderFields = [:],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        var fields = fields
        if let key { fields.add("authorization", "Bearer \(key)") }
        let request = RequestHead(
            method: method, authority: host ?? address.description, path: path, fields: fields)
        return try await client.execute(
            request, body.map { .bytes($0) } ?? .none, address: address, deadline: .seconds(60)
        ) { head, body in
            let text = try await body.collect(upTo: 64 * 1024 * 1024)
            return Answer(
                status: head.status, fields: head.fields, text: String(decoding: text, as: UTF8.self),
                trailers: try await body.trailers)
        }
    }
}

extension Route {
    /// A deployment `acme/churn` that `key` opens, with a revision for each list of replicas.
    static func sample(
        version: Int64 = 1, name: String = "churn", number: Int64 = 7, key: String? = "key",
        shares: [(Int32, Int32)] = [(1, 100)], concurrency: Int32 = 0, queueWait: Duration = .seconds(30),
        queueLength: Int32 = 0, timeout: Duration = .seconds(60), hold: Duration? = nil, _ replicas: [Int32: [String]]
    ) -> Route {
        var route = Route(deployment: number, version: version, workspace: "acme", name: name)
        var access = Slipway.Routing.V1.RouteAccess(open: key == nil)
        if let key { access.keys = [.init(digest: .init(SHA256Digest(of: Array(key.utf8)).bytes), name: "primary")] }
        route.access = access
        route.shares = shares.map { .init(revision: $0.0, percent: $0.1) }
        route.revisions = replicas.sorted { $0.key < $1.key }.map { number, addresses in
            .init(
                number: number,
                replicas: addresses.map { .init(id: "r\(number)-\($0)", address: $0, sealedKey: .init("yek".utf8)) },
                concurrency: concurrency, timeout: .init(timeout), queueWait: .init(queueWait),
                queueLength: queueLength)
        }
        if let hold { route.holding = .init(hold: true, atMost: .init(hold), message: "it sleeps") }
        return route
    }
}
