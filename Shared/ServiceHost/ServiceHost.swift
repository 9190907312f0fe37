public import Access
import HTTP
public import Identity
import Journal
import JournalKeeping
import Loop
public import Postgres
import RPC
public import ServiceKit

/// What a service of the suite stands on: the database with everybody's tables, who may call, and the data folder.
public struct Foundations: Sendable {
    public let database: PostgresConfiguration
    public let pool: PostgresPool
    public let identities: IdentityStore
    public let access: AccessControl
    /// The data folder, absolute.
    public let data: String
    let source: IdentitySource

    /// Opens the database, brings the tables that all services share up to date, and where the suite has no administrator
    /// makes one and writes its token to `first-token` in the data folder.
    /// - Parameter schemas: the service's own tables, made after the shared ones.
    /// - Throws: `PrivateClusterError`, `PostgresMigrationError`, `PostgresError`, `HostError`.
    public static func lay<Settings>(
        _ settings: HostSettings, in environment: ServiceEnvironment<Settings>,
        schemas: [@Sendable (PostgresConfiguration, EventLoop) async throws -> Void] = []
    ) async throws -> Foundations {
        let logger = environment.logger
        let data = try DataFolder.make(settings.data)
        let database = try await Database.open(settings, service: environment.build.service, logger: logger)
        let loop = environment.loops.next()
        try await Journal.prepare(database.configuration, on: loop)
        try await IdentityStore.prepare(database.configuration, on: loop)
        for schema in schemas { try await schema(database.configuration, loop) }

        let pool = PostgresPool(database.configuration, loops: environment.loops.loops)
        let source = IdentitySource(pool)
        let identities = IdentityStore(pool, source: source)
        let file = BootstrapFile(path: "\(data)/first-token")
        if try await identities.bootstrap({ try file.write($0) }) != nil {
            logger.notice(
                "made the first administrator; sign in with the token in the file", ["file": .string(file.path)])
        }
        let access = AccessControl(source) {
            logger.warning("could not look up who calls", ["error": .string("\($0)")])
        }
        return Foundations(
            database: database.configuration, pool: pool, identities: identities, access: access, data: data,
            source: source)
    }
}

/// What a service offers to callers.
public struct Offer: Sendable {
    public var services: [any RPCService]
    /// For reflection.
    public var descriptors: [ServiceDescriptor]
    public var routes: AccessRoutes?

    public init(services: [any RPCService], descriptors: [ServiceDescriptor], routes: AccessRoutes? = nil) {
        self.services = services
        self.descriptors = descriptors
        self.routes = routes
    }
}

extension Foundations {
    /// The parts of a service in the order in which they start: the pool, the source of identities, the journal's keeper,
    /// the service's own, and at last the listener, so that nobody calls before it can answer.
    /// - Throws: `HostError` where a method declares no requirement, or an address or certificate is unusable.
    public func parts<Settings>(
        _ settings: HostSettings, in environment: ServiceEnvironment<Settings>, offer: Offer,
        workers: [any Service] = []
    ) throws -> [any Service] {
        let pool = pool
        let ready = HealthCheck("database", in: environment.health, loop: environment.loops.next()) {
            do {
                try await pool.execute("SELECT 1")
                return nil
            } catch let error as PostgresError {
                return "the database does not answer: \(error.code)"
            }
        }
        let keeper = JournalKeeper(
            pool, settings: settings.journal, loop: environment.loops.next(), logger: environment.logger,
            metrics: environment.metrics)
        let connections = ClosureService("database pool") {
            // It runs until it is cancelled: asked to stop, it would keep the whole service waiting for its deadline.
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await pool.run() }
                group.addTask { try? await StopSignal.wait() }
                await group.next()
                group.cancelAll()
            }
        }
        return [connections, source, ready, keeper] + workers
            + [try listener(settings, environment, offer)]
    }

    private func listener<Settings>(
        _ settings: HostSettings, _ environment: ServiceEnvironment<Settings>, _ offer: Offer
    ) throws -> any Service {
        let health = HealthService()
        environment.health.drive(health)
        let services =
            offer.services + [
                health, ReflectionService(services: offer.descriptors + [Grpc.Health.V1.Health.descriptor]),
            ]
        let guardian = AccessInterceptor(access, services: services)
        if let method = guardian.undeclared.first {
            throw HostError("\(method) does not declare what it requires of its callers; nobody could call it")
        }
        var configuration = RPCServerConfiguration()
        configuration.messageBytes = settings.messageLimit.bytes
        if !settings.origins.isEmpty { configuration.crossOrigin = CrossOriginPolicy(origins: settings.origins) }
        configuration.files = offer.descriptors.map(\.file)

        var table = offer.routes?.table ?? RouteTable<any RouteHandler>()
        try OperationsRoutes.add(
            to: &table, health: environment.health, metrics: environment.metrics, build: environment.build)
        let calls = RPCServer(
            services: services,
            interceptors: [
                ServerTracing(environment.tracer), CallTelemetry(environment.metrics, logger: environment.logger),
                guardian,
            ], configuration: configuration, fallback: Routes(table))
        guard let address = SocketAddress(settings.listen) else {
            throw HostError("listen: \"\(settings.listen)\" is no address; host:port or unix:/path is one")
        }
        let server = HTTPServer(
            endpoints: [.init(address, tls: try settings.tls.context())], loops: environment.loops, handler: calls)
        let part = environment.health.part("server")
        let logger = environment.logger
        return HTTPServerService("server", server) { addresses in
            part.ready()
            logger.notice("listening", ["address": .string(addresses.map(\.description).joined(separator: ", "))])
        }
    }
}
