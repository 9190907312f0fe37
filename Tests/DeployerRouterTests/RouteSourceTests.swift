import Contracts
import DeployerRouterSource
import HTTP
import Loop
import Postgres
import Protobuf
import ServiceKit
import Testing

@testable import DeployerRouter

@Suite("Routes from the database", .serialized)
struct RouteSourceTests {
    /// The tables that the deployer makes, as far as routers know them.
    private static let tables = """
        CREATE SCHEMA deployments;
        CREATE TABLE deployments.routes (
            deployment bigint PRIMARY KEY, workspace uuid NOT NULL, version bigint NOT NULL, route bytea NOT NULL);
        CREATE TABLE deployments.routers (
            router uuid PRIMARY KEY, host text NOT NULL DEFAULT '', addresses text[] NOT NULL DEFAULT '{}',
            started timestamptz NOT NULL DEFAULT now(), seen timestamptz NOT NULL DEFAULT now());
        CREATE UNLOGGED TABLE deployments.router_reports (
            router uuid NOT NULL, deployment bigint NOT NULL, revision integer NOT NULL, report bytea NOT NULL,
            reported timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (router, deployment, revision));
        """

    private static func write(_ route: Route, _ pool: PostgresPool) async throws {
        try await pool.execute(
            """
            INSERT INTO deployments.routes VALUES (\(route.deployment), \(PostgresUUID.random()), \(route.version),
                \(route.serialized()))
            ON CONFLICT (deployment) DO UPDATE SET version = excluded.version, route = excluded.route
            """)
        try await pool.execute("SELECT pg_notify('slipway_routes', \("\(route.deployment)"))")
    }

    @Test("routes come and go with the table, what is counted goes back, and a request that waits is told of at once")
    func follows() async throws {
        let database = try await RouterDatabase.start()
        defer { RouterDatabase.end(database) }
        let configuration = PostgresConfiguration(connection: database.cluster.connectionString)
        try await RouterFixture.run { fixture in
            let pool = PostgresPool(configuration, loops: [fixture.loops.loops[0]])
            for statement in Self.tables.split(separator: ";") {
                try await pool.execute(PostgresQuery(unsafe: String(statement)))
            }
            let replica = TestReplica("one")
            let address = try await replica.start(on: fixture.loops)
            let source = database.source(fixture, opening: configuration)
            fixture.relay.withLock { $0 = { source.demand($0) } }
            let heard = Lock<[String]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await source.run() }
                group.addTask {
                    for try await element in pool.notifications("slipway_demand") {
                        if case .notification(let note) = element { heard.withLock { $0.append(note.payload) } }
                    }
                }
                try await Self.write(.sample(version: 1, shares: [], hold: .seconds(60), [:]), pool)
                try await eventually("the route is there") { fixture.router.table.count == 1 }
                async let held = fixture.ask("/endpoints/acme/churn/")
                try await eventually("demand is heard") { heard.withLock { $0 } == ["7"] }
                try await Self.write(.sample(version: 2, [1: [address]]), pool)
                let answer = try await held
                #expect(answer.status == 200)
                let report = try await RouterDatabase.report(in: pool) { $0.requests == 1 && $0.inFlight == 0 }
                #expect(report.failures == 0 && report.waiting == 0)
                let routers = try await pool.read("SELECT host FROM deployments.routers").all(String.self)
                #expect(routers == ["here"])
                try await pool.execute("DELETE FROM deployments.routes")
                try await pool.execute("SELECT pg_notify('slipway_routes', '7')")
                try await eventually("the route is gone") { fixture.router.table.count == 0 }
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            await pool.close()
            await replica.stop()
        }
    }

    @Test("a router starts from the routes it kept while there is no database, and takes it up when there is")
    func withoutDatabase() async throws {
        let database = try await RouterDatabase.start()
        defer { RouterDatabase.end(database) }
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one")
            let address = try await replica.start(on: fixture.loops)
            try database.keep([.sample([1: [address]])])
            let source = database.source(fixture, opening: nil)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await source.run() }
                try await eventually("the kept route is there") { fixture.router.table.count == 1 }
                let answer = try await fixture.ask("/endpoints/acme/churn/")
                #expect(answer.status == 200)
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            await replica.stop()
        }
    }
}
