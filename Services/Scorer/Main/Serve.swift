import Access
import HTTP
import Loop
import RPC
import ScorerCore
import Serving
import ServiceKit

/// `scorer serve`: models behind the dialects.
enum Serve {
    /// Of commands whose words are an answer: only what went wrong is logged.
    static let silent = ["--service.log_level=warning"]

    /// Runs the process with parts that `wire` makes.
    static func main(
        _ arguments: [String],
        _ wire: @escaping @Sendable (ServiceEnvironment<ScorerSettings>) async throws -> [any Service]
    ) -> Never {
        ServiceProgram.main(
            ScorerProgram.build, settings: ScorerSettings.self, kit: \.service, arguments: arguments,
            takesArguments: true, wire: wire)
    }

    static func main(_ arguments: [String]) -> Never { main(arguments) { try parts($0).parts } }

    /// The manager and the listener, in the order in which they start.
    static func parts(
        _ environment: ServiceEnvironment<ScorerSettings>
    ) throws -> (parts: [any Service], manager: ModelManager) {
        let settings = environment.settings
        let greeting = Greeting(isQuiet: settings.quiet, isSecure: !settings.tls.certificate.isEmpty)
        let watch = ModelWatch(environment.logger, environment.health) {
            greeting.ready($0)
            StartupPages.giveBack()
        }
        let shelf = try ModelShelf.make(environment) { watch.handle($0) }
        watch.watches(shelf.manager)
        ModelMetrics.register(in: environment.metrics, shelf.manager)
        var parts: [any Service] = [ManagerService(manager: shelf.manager, onScanned: { watch.look() })]
        let collector = try collector(environment)
        if let collector { parts.append(collector) }
        let point = ScoringPoint(
            shelf.manager, settings: settings.scoring, bodyLimit: settings.messageLimit.bytes, build: environment.build,
            collector: collector, clock: environment.loops.loops[0].clock)
        return (parts + [try listener(environment, point, greeting)], shelf.manager)
    }

    private static func collector(_ environment: ServiceEnvironment<ScorerSettings>) throws -> Collector? {
        let settings = environment.settings.scoring.collection
        guard settings.rate > 0 else { return nil }
        guard !settings.folder.isEmpty else {
            throw ConfigurationError(["scoring.collection.rate needs scoring.collection.folder"])
        }
        let logger = environment.logger
        let collector = Collector(settings, sink: FileCollectionSink(settings)) {
            logger.error("rows could not be collected", ["error": .string("\($0)")])
        }
        collector.report(to: environment.metrics)
        return collector
    }

    private static func listener(
        _ environment: ServiceEnvironment<ScorerSettings>, _ point: ScoringPoint, _ greeting: Greeting
    ) throws -> any Service {
        let settings = environment.settings
        let health = HealthService()
        environment.health.drive(health)
        var configuration = RPCServerConfiguration()
        configuration.messageBytes = settings.messageLimit.bytes
        let address = try address(settings)
        let logger = environment.logger
        let access = try ScorerAccess.decide(settings.access, addresses: [address]) {
            logger.warning("could not look up who calls", ["error": .string("\($0)")])
        }
        logger.notice(access.notice)
        let offer = try ScorerOffer(point, access: access.control) {
            logger.error("a route failed", ["error": .string("\($0)")])
        }
        var table = offer.routes.table
        try OperationsRoutes.add(
            to: &table, health: environment.health, metrics: environment.metrics, build: environment.build)
        let services =
            offer.services + [
                health, ReflectionService(services: offer.descriptors + [Grpc.Health.V1.Health.descriptor]),
            ]
        configuration.files = offer.descriptors.map(\.file)
        let calls = RPCServer(
            services: services,
            interceptors: [
                ServerTracing(environment.tracer), CallTelemetry(environment.metrics, logger: logger),
                AccessInterceptor(access.control, services: services, foreign: offer.requirements),
            ], configuration: configuration, fallback: Routes(table))
        let server = HTTPServer(
            endpoints: [.init(address, tls: try settings.tls.context())], loops: environment.loops,
            handler: calls)
        let part = environment.health.part("server")
        return HTTPServerService("server", server) { addresses in
            part.ready()
            logger.notice("listening", ["address": .string(addresses.map(\.description).joined(separator: ", "))])
            greeting.listening(addresses)
            StartupPages.giveBack()
        }
    }

    static func address(_ settings: ScorerSettings) throws -> SocketAddress {
        var text = settings.listen
        if let port = settings.port {
            guard !text.hasPrefix("unix:") else { throw ConfigurationError(["a socket file has no port"]) }
            let host = text.lastIndex(of: ":").map { text[..<$0] } ?? text[...]
            text = "\(host):\(port)"
        }
        guard let address = SocketAddress(text) else {
            throw ConfigurationError(["listen: \"\(text)\" is no address; host:port or unix:/path is one"])
        }
        return address
    }
}

/// The manager as a part of the program: it has started when it knows what to load, and stops by unloading everything.
struct ManagerService: Service {
    let manager: ModelManager
    let onScanned: @Sendable () -> Void

    var serviceName: String { "models" }
    var startTimeout: Duration? { .seconds(60) }

    func run() async throws {
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await manager.run {
                    onScanned()
                    StopSignal.started()
                }
            }
            group.addTask { try await stop.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
        await manager.stop()
    }
}
