import Contracts
import DeployerRouter
import Loop
import ServiceKit

/// The routes that a router goes by: makes tables of them, hands them over, and keeps them in the file. Used by one task at
/// a time.
final class RouteKeeper: Sendable {
    private let router: Router
    private let maker: RoutingTableMaker
    private let file: RouteFile
    private let pool: ComputePool
    private let logger: Logger
    private let routes = Lock<[Int64: Slipway.Routing.V1.Route]>([:])

    /// - Parameter pool: for what blocks: names, files, certificates.
    init(_ router: Router, maker: RoutingTableMaker, file: RouteFile, pool: ComputePool, logger: Logger) {
        self.router = router
        self.maker = maker
        self.file = file
        self.pool = pool
        self.logger = logger
    }

    /// The versions of the routes in use.
    var versions: [Int64: Int64] { routes.withLock { $0.mapValues(\.version) } }

    /// Goes by the routes of the file where there are some.
    /// - Returns: whether there were.
    func recall() async -> Bool {
        do {
            guard let kept = try await pool.run({ [file] in try file.read() }) else { return false }
            routes.withLock { $0 = Dictionary(kept.map { ($0.deployment, $0) }, uniquingKeysWith: { $1 }) }
            await use(kept)
            logger.notice("goes by the routes that were kept", ["deployments": .integer(kept.count)])
            return true
        } catch {
            logger.warning("the kept routes can't be used", ["error": .string("\(error)")])
            return false
        }
    }

    /// Goes by other routes from now on.
    func change(_ changed: [Slipway.Routing.V1.Route], gone: [Int64]) async {
        guard !changed.isEmpty || !gone.isEmpty else { return }
        let all = routes.withLock { routes in
            for route in changed { routes[route.deployment] = route }
            for number in gone { routes[number] = nil }
            return routes.values.sorted { $0.deployment < $1.deployment }
        }
        await use(all)
        do { try await pool.run { [file] in try file.write(all) } } catch {
            logger.warning("the routes can't be kept in their file", ["error": .string("\(error)")])
        }
    }

    private func use(_ all: [Slipway.Routing.V1.Route]) async {
        do {
            let problems = try await pool.run { [maker, router] in
                let (table, problems) = maker.table(of: all, after: router.table)
                router.adopt(table)
                return problems
            }
            for problem in problems {
                logger.error(
                    "a part of a route can't be used",
                    ["deployment": .string(problem.deployment), "reason": .string(problem.reason)])
            }
        } catch {
            logger.error("the routes could not be changed", ["error": .string("\(error)")])
        }
    }
}
