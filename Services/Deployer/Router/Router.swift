public import Contracts
public import HTTP
public import Loop
public import ServiceKit
import Glibc

/// The endpoint in front of replicas: the handler of an `HTTPServer` that leads each request to a replica of the deployment
/// it is for. Every request stays on the loop that it came to; loops share nothing but the numbers of replicas.
public final class Router: HTTPServerHandler {
    /// Seconds since 1970.
    public typealias WallClock = @Sendable () -> Int64

    let settings: RouterSettings
    let logger: Logger
    let wallClock: WallClock
    let onDemand: @Sendable (Int64) -> Void
    private let shards: [RouterShard]
    private let current = Lock(RoutingTable.empty)
    /// Connections to replicas.
    public let statistics = HTTPStatistics()

    /// - Parameters:
    ///   - loops: those of the server.
    ///   - limits: of connections to replicas.
    ///   - onDemand: told a deployment's number when a request begins to wait for its first replica. On the loop.
    public init(
        loops: LoopGroup, settings: RouterSettings = RouterSettings(), limits: HTTPLimits = HTTPLimits(),
        logger: Logger, wallClock: @escaping WallClock = { Int64(time(nil)) },
        onDemand: @escaping @Sendable (Int64) -> Void = { _ in }
    ) {
        self.settings = settings
        self.logger = logger
        self.wallClock = wallClock
        self.onDemand = onDemand
        var limits = limits
        limits.handshakeTimeout = settings.connectTimeout
        // Before the replica gives a quiet connection up, so that no request meets its end.
        limits.idleTimeout = min(limits.idleTimeout, .seconds(60))
        shards = loops.loops.map { [limits, statistics] loop in
            RouterShard(loop: loop, settings: settings, limits: limits, statistics: statistics)
        }
        for shard in shards { shard.router = self }
    }

    var loops: [EventLoop] { shards.map(\.loop) }

    /// The table in use.
    public var table: RoutingTable { current.withLock { $0 } }

    /// Routes by another table from now on. Requests under way finish where they are; those that wait are looked at anew. A
    /// replica that is in the table no more gets no more requests.
    public func adopt(_ table: RoutingTable) {
        current.withLock { $0 = table }
        for shard in shards { shard.loop.run { shard.adopt(table) } }
    }

    /// The certificate for a name: for the `chooser` of the server's TLS context.
    public func certificate(for serverName: String) -> TLSContext? { table.certificate(for: serverName) }

    public func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        guard let shard = shards.first(where: { $0.loop === stream.loop }) else { return Nobody(stream) }
        let exchange = Exchange(stream, on: shard)
        exchange.admit()
        return exchange
    }

    /// What was counted so far, deployment by deployment. From any thread.
    public func reports() -> [(deployment: Int64, report: Slipway.Routing.V1.RouteReport)] {
        table.endpoints.values.sorted { $0.deployment < $1.deployment }.flatMap { endpoint in
            endpoint.memory.counted.sorted { $0.revision < $1.revision }.map { (endpoint.deployment, $0.report) }
        }
    }

    /// A number of each report, with the deployment's name and the revision for labels.
    public func counted(
        _ number: (Slipway.Routing.V1.RouteReport) -> Double
    ) -> [(values: [String], value: Double)] {
        table.endpoints.values.sorted { $0.deployment < $1.deployment }.flatMap { endpoint in
            endpoint.memory.counted.sorted { $0.revision < $1.revision }.map {
                ([endpoint.name.description, "\($0.revision)"], number($0.report))
            }
        }
    }

    /// Closes the connections to replicas. Called when the server has stopped.
    public func close() async {
        for shard in shards { try? await shard.loop.submit { shard.close() } }
    }

    /// Asks the other loops to look whether somebody waits there for what was just freed.
    func nudge(_ memory: RevisionMemory, except own: RouterShard) {
        for shard in shards where shard !== own { shard.loop.execute { shard.pump(memory) } }
    }

    /// A stream of a loop that is not the router's.
    private final class Nobody: HTTPStreamReceiver {
        init(_ stream: HTTPStream) {
            stream.send(ResponseHead(status: 500), end: true)
        }
        func received(body: UnsafeRawBufferPointer) {}
        func receivedEnd(trailers: HeaderFields?) {}
        func closed(_ closure: StreamClosure) {}
    }
}
