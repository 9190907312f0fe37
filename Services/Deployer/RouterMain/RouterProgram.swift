import DeployerRouter
import DeployerRouterSource
import Glibc
import HTTP
import Loop
import Postgres
import Secrets
import ServiceHost
import ServiceKit

/// The router: leads requests to the replicas of deployments. It needs neither the deployer nor, once it knows the routes,
/// the database.
@main
struct RouterProgram {
    static func main() {
        let build = BuildInformation(service: "router", version: "0.1.0")
        ServiceProgram.main(build, settings: RouterProgramSettings.self, kit: \.service) { try await parts($0) }
    }

    /// In the order in which they start: the routes, requests, and questions about health.
    private static func parts(
        _ environment: ServiceEnvironment<RouterProgramSettings>
    ) async throws -> [any Service] {
        let settings = environment.settings
        let data = try DataFolder.make(settings.data)
        let box = SecretBox(SecretKeys(try key(settings, data)))
        let demand = DemandRelay()
        let router = Router(
            loops: environment.loops, settings: settings.routing, limits: settings.limits.http,
            logger: environment.logger.part("access"), onDemand: { demand.ring($0) })
        let maker = RoutingTableMaker(
            domain: settings.domain,
            unsealing: .init(
                replicaKey: { try box.open($0, for: SecretBox.replicaKey($1)) },
                certificateKey: { try box.open($0, for: SecretBox.certificateKey(deployment: $1)) }))
        let server = try requests(router, environment)
        let logger = environment.logger
        let source = RouteSource(
            router, maker: maker, file: "\(try DataFolder.make("\(data)/router"))/routes", host: machine(),
            addresses: { server.addresses.map(\.description) }, loop: environment.loops.next(), pool: environment.pool,
            health: environment.health, logger: logger
        ) {
            var host = HostSettings(listen: "")
            host.data = data
            host.database = settings.database
            return try await Database.open(host, service: "router", logger: logger).configuration
        }
        demand.lead(to: source)
        RouterMetrics.register(in: environment.metrics, router, server)
        let part = environment.health.part("requests")
        let taking = HTTPServerService("requests", server) { addresses in
            part.ready()
            logger.notice(
                "listening", ["address": .string(addresses.map(\.description).joined(separator: ", "))])
        }
        let closing = ClosureService("connections to replicas") {
            try await StopSignal.wait()
            await router.close()
        }
        return [source, closing, taking, try operations(environment)]
    }

    private static func requests(
        _ router: Router, _ environment: ServiceEnvironment<RouterProgramSettings>
    ) throws -> HTTPServer {
        let settings = environment.settings
        var endpoints: [HTTPServer.Endpoint] = []
        if !settings.listen.isEmpty { endpoints.append(.init(try settings.address(settings.listen, "listen"))) }
        if !settings.tlsListen.isEmpty {
            var own = TLSConfiguration()
            if !settings.tls.certificate.isEmpty {
                own.certificateFile = settings.tls.certificate
                own.keyFile = settings.tls.key
            }
            let context = try TLSContext(own, role: .server) { router.certificate(for: $0) }
            endpoints.append(.init(try settings.address(settings.tlsListen, "tls_listen"), tls: context))
        }
        guard !endpoints.isEmpty else { throw HostError("listen or tls_listen is needed") }
        return HTTPServer(
            endpoints: endpoints, loops: environment.loops, limits: settings.limits.http,
            connectionLimit: settings.limits.connections, handler: router)
    }

    /// Apart from requests: their paths belong to deployments.
    private static func operations(
        _ environment: ServiceEnvironment<RouterProgramSettings>
    ) throws -> any Service {
        let routes = try OperationsRoutes.handler(
            health: environment.health, metrics: environment.metrics, build: environment.build)
        let address = try environment.settings.address(environment.settings.operations, "operations")
        let server = HTTPServer(endpoints: [.init(address)], loops: environment.loops, handler: routes)
        return HTTPServerService("operations", server, grace: .seconds(1)) { [logger = environment.logger] addresses in
            logger.notice("operations", ["address": .string(addresses.map(\.description).joined(separator: ", "))])
        }
    }

    private static func key(_ settings: RouterProgramSettings, _ data: String) throws -> SecretKey {
        settings.secretKey.reveal().isEmpty
            ? try SecretKey.load(file: "\(data)/secrets.key") : try SecretKey(settings.secretKey)
    }

    private static func machine() -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return name.withUnsafeBufferPointer { buffer in buffer.baseAddress.map { String(cString: $0) } ?? "" }
    }
}

/// Between the router and what tells of its demand, each of which is made with the other.
private final class DemandRelay: Sendable {
    private let source = Lock<RouteSource?>(nil)

    func lead(to source: RouteSource) { self.source.withLock { $0 = source } }

    func ring(_ deployment: Int64) { source.withLock { $0 }?.demand(deployment) }
}
