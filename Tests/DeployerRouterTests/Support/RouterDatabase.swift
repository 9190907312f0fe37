import Contracts
import DeployerRouter
import Glibc
import HTTP
import Loop
import Postgres
import Protobuf
import ServiceKit
import Testing

@testable import DeployerRouterSource

/// A private PostgreSQL for one test.
struct RouterDatabase: Sendable {
    let folder: String
    let cluster: PrivateCluster

    static func start() async throws -> RouterDatabase {
        let folder = "/tmp/slipway-router-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        mkdir(folder, 0o755)
        var configuration = PrivateCluster.Configuration(folder: "\(folder)/postgres")
        configuration.settings = [("fsync", "off")]
        return RouterDatabase(folder: folder, cluster: try await PrivateCluster.start(configuration))
    }

    /// The server outlives its starter by design; that of a test must not.
    static func end(_ database: RouterDatabase) {
        if let process = database.cluster.processID { kill(process, SIGQUIT) }
        if let pipe = popen("rm -rf -- \(database.folder)", "r") { pclose(pipe) }
    }

    var file: String { "\(folder)/routes" }

    /// - Parameter configuration: nil where the database can't be had.
    func source(_ fixture: RouterFixture, opening configuration: PostgresConfiguration?) -> RouteSource {
        RouteSource(
            fixture.router, maker: fixture.maker, file: file, host: "here", addresses: { ["there"] },
            loop: fixture.loops.loops[0], pool: fixture.pool, health: HealthRegistry(), logger: .silent
        ) {
            guard let configuration else { throw LoopError(operation: "open", number: ECONNREFUSED) }
            return configuration
        }
    }

    func keep(_ routes: [Route]) throws { try RouteFile(path: file).write(routes) }

    /// The report of the only revision, once it says what is waited for.
    static func report(
        in pool: PostgresPool, _ isWanted: (Slipway.Routing.V1.RouteReport) -> Bool
    ) async throws -> Slipway.Routing.V1.RouteReport {
        for _ in 0..<3000 {
            let rows = try await pool.read("SELECT report FROM deployments.router_reports").all([UInt8].self)
            let reports = try rows.map { try Slipway.Routing.V1.RouteReport(serialized: $0) }
            if let report = reports.first(where: isWanted) { return report }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw LoopError(operation: "report", number: ETIMEDOUT)
    }
}
