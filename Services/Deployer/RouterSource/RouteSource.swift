import Contracts
public import DeployerRouter
public import Loop
public import Postgres
import Protobuf
public import ServiceKit

/// Keeps a router's routes what the database says, and tells the database what the router counted. While the database is
/// away the router goes by what it knew last, at first by what it kept in its file.
public struct RouteSource: Service {
    public struct Settings: Sendable {
        /// The bell may get lost.
        public var lookEvery = Duration.seconds(5)
        public var reportEvery = Duration.seconds(1)

        public init() {}
    }

    public let serviceName = "routes"
    private let keeper: RouteKeeper
    private let reports: ReportWriter
    private let id: PostgresUUID
    private let host: String
    private let addresses: @Sendable () -> [String]
    private let settings: Settings
    private let loop: EventLoop
    private let part: HealthPart
    private let logger: Logger
    private let open: @Sendable () async throws -> PostgresConfiguration

    public var startTimeout: Duration? { .seconds(30) }

    /// - Parameters:
    ///   - file: where the last routes are kept.
    ///   - host: the machine's name, for people.
    ///   - addresses: where the router listens, for people.
    ///   - open: finds the database; tried again and again until it does.
    public init(
        _ router: Router, maker: RoutingTableMaker, file: String, settings: Settings = Settings(), host: String,
        addresses: @escaping @Sendable () -> [String], loop: EventLoop, pool: ComputePool, health: HealthRegistry,
        logger: Logger, open: @escaping @Sendable () async throws -> PostgresConfiguration
    ) {
        id = .random()
        keeper = RouteKeeper(router, maker: maker, file: RouteFile(path: file), pool: pool, logger: logger)
        reports = ReportWriter(id, router)
        self.host = host
        self.addresses = addresses
        self.settings = settings
        self.loop = loop
        part = health.part("routes")
        self.logger = logger
        self.open = open
    }

    /// What the router tells when a request begins to wait for a deployment's first replica. From any thread.
    public func demand(_ deployment: Int64) { reports.demand(deployment) }

    public func run() async throws {
        if await keeper.recall() { part.ready() }
        StopSignal.started()
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stop.wait() }
            group.addTask { try await follow() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func follow() async throws {
        let configuration = try await again("the database can't be had") { try await open() }
        let pool = PostgresPool(configuration, loops: [loop])
        let bell = PostgresBell()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await pool.run() }
            group.addTask {
                try await again("nothing is heard of routes") {
                    for try await _ in pool.notifications("slipway_routes") { bell.ring() }
                }
            }
            group.addTask {
                try await each(settings.lookEvery, bell, "routes can't be read") {
                    try await look(in: pool)
                    part.ready()
                }
            }
            group.addTask {
                try await each(settings.lookEvery, PostgresBell(), "the router can't be listed") {
                    try await register(in: pool)
                }
            }
            group.addTask {
                try await each(settings.reportEvery, reports.bell, "reports can't be written") {
                    if reports.hasSomething { try await reports.write(to: pool) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Compares all versions with those in use and fetches what differs: nothing is missed, whatever was not heard.
    private func look(in pool: PostgresPool) async throws {
        let there = Dictionary(
            try await pool.read("SELECT deployment, version FROM deployments.routes").all((Int64, Int64).self),
            uniquingKeysWith: { $1 })
        let known = keeper.versions
        let wanted = there.filter { known[$0.key] != $0.value }.map(\.key).sorted()
        var changed: [Slipway.Routing.V1.Route] = []
        if !wanted.isEmpty {
            let rows = try await pool.read(
                "SELECT deployment, version, route FROM deployments.routes WHERE deployment = ANY(\(wanted))")
            for (deployment, version, bytes) in try rows.all((Int64, Int64, [UInt8]).self) {
                do {
                    var route = try Slipway.Routing.V1.Route(serialized: bytes)
                    route.deployment = deployment
                    route.version = version
                    changed.append(route)
                } catch {
                    logger.error(
                        "a route can't be read",
                        ["deployment": .integer(Int(deployment)), "error": .string("\(error)")])
                }
            }
        }
        await keeper.change(changed, gone: known.keys.filter { there[$0] == nil })
    }

    /// Says that this router is there.
    private func register(in pool: PostgresPool) async throws {
        let addresses = addresses()
        try await pool.execute(
            """
            INSERT INTO deployments.routers (router, host, addresses) VALUES (\(id), \(host), \(addresses))
            ON CONFLICT (router) DO UPDATE SET seen = now(), addresses = excluded.addresses
            """)
    }

    // MARK: Going on

    /// Does the work now, whenever the bell rings and after each interval, whatever becomes of it.
    private func each(
        _ interval: Duration, _ bell: PostgresBell, _ complaint: String, _ work: @Sendable () async throws -> Void
    ) async throws {
        var isComplaining = false
        while true {
            do {
                try await work()
                isComplaining = false
            } catch {
                try Task.checkCancellation()
                // Once for as long as it lasts: the router goes on by what it knows.
                if !isComplaining { logger.warning(complaint, ["error": .string("\(error)")]) }
                isComplaining = true
                try await loop.sleep(for: .milliseconds(500))
            }
            try await bell.wait(upTo: interval, on: loop)
        }
    }

    /// Tries until it comes about.
    private func again<Result: Sendable>(
        _ complaint: String, _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        var isComplaining = false
        while true {
            do { return try await work() } catch {
                try Task.checkCancellation()
                if !isComplaining { logger.warning(complaint, ["error": .string("\(error)")]) }
                isComplaining = true
                try await loop.sleep(for: .seconds(1))
            }
        }
    }
}
