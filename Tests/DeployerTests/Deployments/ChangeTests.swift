import Access
import Contracts
import Protobuf
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("changing deployments", .timeLimit(.minutes(5))) struct ChangeTests {
    @Test("an update makes a revision that is to take over, and the old one keeps its traffic until then")
    func update() async throws {
        try await withDesk { desk in
            try await desk.create()
            let updated = try await desk.deployments.updateDeployment(
                .init(
                    name: "churn", content: .init(kind: .image("churn:2")),
                    plan: .init(strategy: .canary, stepPercent: 5), expectedGeneration: 1))
            #expect(updated.generation == 2)
            #expect(updated.traffic == [.init(revision: 1, percent: 100)])
            #expect(updated.status?.rollout?.from == 1)
            #expect(updated.status?.rollout?.to == 2)
            #expect(updated.status?.rollout?.state == .preparing)
            #expect(updated.status?.rollout?.plan?.bake?.seconds == 60)
            let revisions = try await desk.deployments.listRevisions(.init(name: "churn")).revisions
            #expect(revisions.map(\.number) == [2, 1])
            #expect(revisions.map(\.image) == ["churn:2", "churn:1"])
        }
    }

    @Test("settings alone make a revision of the same image, and without either there is nothing to change")
    func settings() async throws {
        try await withDesk { desk in
            try await desk.create()
            _ = try await desk.deployments.updateDeployment(.init(name: "churn", settings: .init(concurrency: 8)))
            let newest = try await desk.deployments.listRevisions(.init(name: "churn")).revisions.first
            #expect(newest?.image == "churn:1")
            #expect(newest?.settings?.concurrency == 8)
            let refusal = await failure { _ = try await desk.deployments.updateDeployment(.init(name: "churn")) }
            #expect(refusal?.code == .invalidArgument)
        }
    }

    @Test("a change that expects another generation is aborted, and changes nothing")
    func generation() async throws {
        try await withDesk { desk in
            try await desk.create()
            let traffic = [V1.TrafficShare(revision: 1, percent: 100)]
            let refusal = await failure {
                _ = try await desk.deployments.setTraffic(
                    .init(name: "churn", traffic: traffic, expectedGeneration: 7))
            }
            #expect(refusal?.code == .aborted)
            #expect(try await desk.deployments.getDeployment(.init(name: "churn")).generation == 1)
        }
    }

    @Test("of many that expect the same generation one comes through")
    func race() async throws {
        try await withDesk { desk in
            try await desk.create()
            let codes = await withTaskGroup(of: RPCCode?.self) { group in
                for maximum in Int32(2)..<10 {
                    group.addTask {
                        await failure {
                            _ = try await desk.deployments.setScaling(
                                .init(name: "churn", scaling: .init(maximum: maximum), expectedGeneration: 1))
                        }?.code
                    }
                }
                return await group.reduce(into: [RPCCode?]()) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 1)
            #expect(codes.filter { $0 == .aborted }.count == 7)
        }
    }

    @Test("going back makes a copy of what served before, and nothing is there to go back to at first")
    func rollBack() async throws {
        try await withDesk { desk in
            try await desk.create()
            let refusal = await failure { _ = try await desk.deployments.rollBack(.init(name: "churn")) }
            #expect(refusal?.code == .failedPrecondition)
            _ = try await desk.deployments.updateDeployment(
                .init(name: "churn", content: .init(kind: .image("churn:2"))))
            let back = try await desk.deployments.rollBack(.init(name: "churn", reason: "it was slow"))
            #expect(back.status?.rollout?.to == 3)
            let newest = try await desk.deployments.listRevisions(.init(name: "churn")).revisions.first
            #expect(newest?.image == "churn:1")
            #expect(newest?.reason == "goes back to revision 1: it was slow")
            let replaced = try await desk.pool.query(
                "SELECT message FROM deployments.rollouts WHERE state = \(Int16(V1.Rollout.State.replaced.rawValue))"
            ).all(String.self)
            #expect(replaced == ["revision 3 is to take over instead"])
        }
    }

    @Test("traffic is exactly 100 over revisions that there are")
    func traffic() async throws {
        try await withDesk { desk in
            try await desk.create()
            func refusal(_ shares: [V1.TrafficShare]) async -> RPCError? {
                await failure {
                    _ = try await desk.deployments.setTraffic(.init(name: "churn", traffic: shares))
                }
            }
            #expect(
                await refusal([.init(revision: 1, percent: 99)])?.message
                    == "traffic: the shares are 99 together, and must be 100")
            #expect(await refusal([])?.code == .invalidArgument)
            #expect(
                await refusal([.init(revision: 1, percent: 50), .init(revision: 1, percent: 50)])?.code
                    == .invalidArgument)
            #expect(
                await refusal([.init(revision: 1, percent: 50), .init(revision: 7, percent: 50)])?.code == .notFound)
        }
    }

    @Test(
        "a revision that is not ready gets nothing until it is, and then what it was given, with the route's next version"
    )
    func readiness() async throws {
        try await withDesk { desk in
            try await desk.create()
            try await desk.replica()
            _ = try await desk.deployments.updateDeployment(
                .init(name: "churn", content: .init(kind: .image("churn:2"))))
            _ = try await desk.deployments.setTraffic(
                .init(
                    name: "churn", traffic: [.init(revision: 1, percent: 30), .init(revision: 2, percent: 70)]))
            let before = try await desk.route()
            #expect(before?.shares == [.init(revision: 1, percent: 100)])
            try await desk.replica(revision: 2)
            let after = try await desk.route()
            #expect(after?.shares == [.init(revision: 1, percent: 30), .init(revision: 2, percent: 70)])
            #expect(after?.version ?? 0 > before?.version ?? 0)
            #expect(after?.revisions.map(\.replicas.count) == [1, 1])
        }
    }

    @Test("a revision whose image can't be had gets no traffic, and the reason is said")
    func failed() async throws {
        try await withDesk { desk in
            try await desk.create()
            try await desk.pool.execute(
                "UPDATE deployments.revisions SET stage = 'failed', stage_message = 'it is gone'")
            let refusal = await failure {
                _ = try await desk.deployments.setTraffic(
                    .init(name: "churn", traffic: [.init(revision: 1, percent: 100)]))
            }
            #expect(refusal?.code == .failedPrecondition)
            #expect(refusal?.message.contains("it is gone") == true)
        }
    }

    @Test("description and tags change, and what is the same already is no change")
    func describe() async throws {
        try await withDesk { desk in
            try await desk.create()
            let request = V1.DescribeRequest(name: "churn", description: "Who leaves", setTags: ["team": "growth"])
            #expect(try await desk.deployments.describe(request).tags == ["team": "growth"])
            #expect(try await desk.deployments.describe(request).generation == 2)
        }
    }

    @Test("deleting takes the route at once and lets go of name, keys and uses when no replica is left")
    func delete() async throws {
        try await withDesk { desk in
            try await desk.create()
            let replica = try await desk.replica()
            let number = try await desk.number()
            let deleted = try await desk.deployments.deleteDeployment(.init(name: "churn"))
            #expect(deleted.status?.state == .deleting)
            #expect(try await desk.route() == nil)
            _ = try await desk.deployments.deleteDeployment(.init(name: "churn"))
            let refusal = await failure {
                _ = try await desk.deployments.setScaling(.init(name: "churn", scaling: .init()))
            }
            #expect(refusal?.code == .failedPrecondition)

            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) } == false)
            try await desk.pool.execute("DELETE FROM deployments.replicas WHERE id = \(PostgresUUID(replica))")
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) })
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) } == false)
            let uses = try await desk.pool.query("SELECT versions, images, state FROM deployments.reports").all(
                ([String], [String], String).self)
            #expect(uses.first?.0 == [])
            #expect(uses.first?.1 == [])
            #expect(uses.first?.2 == "deleted")
            try await desk.create()
        }
    }

    @Test("a transaction that fails at its end leaves neither a deployment nor a row of the journal")
    func killed() async throws {
        try await withDesk { desk in
            try await desk.pool.execute(
                """
                CREATE FUNCTION deployments.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'killed here'; END $$
                """)
            try await desk.pool.execute(
                """
                CREATE TRIGGER refuse BEFORE INSERT ON deployments.routes
                FOR EACH ROW EXECUTE FUNCTION deployments.refuse()
                """)
            #expect(await failure { try await desk.create() } != nil)
            for table in ["deployments", "revisions", "endpoint_keys", "reports", "shares"] {
                let counts = try await desk.pool.query(
                    "SELECT count(*) FROM deployments.\(identifier: table)"
                ).all(Int.self)
                #expect(counts == [0])
            }
            #expect(try await desk.fixture.actions().isEmpty)
        }
    }
}
