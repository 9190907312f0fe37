import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("the deployer's tables", .timeLimit(.minutes(5))) struct SchemaTests {
    @Test("a new database has them, empty")
    func empty() async throws {
        try await withDeployer { fixture in
            for table in ["targets", "deployments", "revisions", "replicas", "rollouts", "routes", "router_reports"] {
                let counts = try await fixture.pool.query(
                    "SELECT count(*) FROM deployments.\(identifier: table)"
                ).all(Int.self)
                #expect(counts == [0])
            }
        }
    }
}
