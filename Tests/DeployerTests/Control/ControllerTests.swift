import Contracts
import DeployerTargets
import Loop
import Postgres
import Protobuf
import Testing

@testable import DeployerCore

@Suite("Control over the tables", .serialized, .timeLimit(.minutes(10))) struct ControllerTests {
    @Test("a new deployment gets its replicas, then its requests; deleted, nothing of it is left")
    func life() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            let route = try #require(try await trial.route(id))
            #expect(route.shares == [.init(revision: 1, percent: 100)])
            #expect(route.revisions.map(\.replicas.count) == [2])
            #expect(Set(route.revisions[0].replicas.map(\.id)) == Set(trial.place.running.map(\.id)))
            try await fixture.pool.execute(
                "UPDATE deployments.deployments SET deleting = now(), generation = generation + 1 WHERE id = \(id)")
            try await eventually("it is gone") { try await trial.seen(id).state == nil }
            #expect(trial.place.state.withLock { $0.replicas.isEmpty })
            #expect(try await trial.route(id) == nil)
            try await control.stop()
        }
    }

    @Test("a replica that ends is begun again under another id, and the status says why while it is not ready")
    func restart() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            let victim = try #require(trial.place.running.first).id
            trial.place.end(victim)
            try await eventually("another took its place") {
                let isSettled = try await trial.isSettled(id, [1: 2])
                return isSettled && !trial.place.running.contains { $0.id == victim }
            }
            #expect(try await fixture.actions().contains("replica.failed deployments/churn"))
            try await control.stop()
        }
    }

    @Test("an upgrade never leaves fewer replicas with requests than there were")
    func upgrade() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment(scaling: .init(minimum: 3))
            try await eventually("it serves") { try await trial.isSettled(id, [1: 3]) }
            try await trial.update(id, to: 2)
            try await eventually("revision 2 has taken over") {
                let route = try await trial.route(id)
                let serving = route?.revisions.filter { revision in
                    route?.shares.contains { $0.revision == revision.number } ?? false
                }
                let count = serving?.reduce(0) { $0 + $1.replicas.count } ?? 0
                #expect(count >= 3)
                return try await trial.isSettled(id, [2: 3])
            }
            #expect(try await fixture.actions().contains("rollout.done deployments/churn"))
            try await control.stop()
        }
    }

    @Test("an image that never gets ready is given up with the reason out of its log, and the old one serves on")
    func badImage() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            trial.place.state.withLock { $0.broken[2] = "ModuleNotFoundError: pandas" }
            try await trial.update(id, to: 2)
            try await eventually("it went back") {
                try await trial.seen(id).conditions["RolloutHealthy"]?.hasPrefix("RolledBack") ?? false
            }
            try await eventually("nothing is left of it") { try await trial.isSettled(id, [1: 2]) }
            let seen = try await trial.seen(id)
            #expect(seen.conditions["RolloutHealthy"]?.contains("ModuleNotFoundError: pandas") ?? false)
            #expect(try await fixture.actions().contains("rollout.rolled-back deployments/churn"))
            try await control.stop()
        }
    }

    @Test("without room, the condition says what is missing, and with room it goes on")
    func room() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            try await fixture.pool.execute("UPDATE deployments.targets SET cpu_millis = 150")
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it says so") {
                try await trial.seen(id).conditions["RevisionReady"]?.hasPrefix("NoCapacity") ?? false
            }
            #expect(trial.place.running.count == 1)
            try await fixture.pool.execute("UPDATE deployments.targets SET cpu_millis = 1000")
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            try await control.stop()
        }
    }

    @Test("a place that does not answer changes nothing, and the status says so")
    func unreachable() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            let before = try await trial.route(id)
            trial.place.state.withLock { $0.trouble = TargetError(.unreachable, "no such socket") }
            try await eventually("it says so") {
                try await trial.seen(id).conditions["TargetReachable"]?.contains("no such socket") ?? false
            }
            #expect(try await trial.seen(id).ready == [1: 2])
            #expect(try await trial.route(id)?.revisions == before?.revisions)
            trial.place.state.withLock { $0.trouble = nil }
            try await eventually("it is as before") { try await trial.isSettled(id, [1: 2]) }
            try await control.stop()
        }
    }

    @Test("what nobody wrote down is removed, of this deployment and of those that there are not")
    func orphans() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            for (name, deployment) in [("of-it", id), ("of-nobody", 99_999)] {
                let owner = ReplicaOwner(
                    suite: "suite", workspace: "lab", deployment: "churn", deploymentID: deployment, revision: 1)
                let stranger = ReplicaOwner(
                    suite: "other", workspace: "lab", deployment: "churn", deploymentID: deployment, revision: 1)
                trial.place.state.withLock {
                    $0.replicas[name] = ObservedReplica(id: name, owner: owner, state: .running)
                    $0.replicas["not-ours-\(name)"] = ObservedReplica(
                        id: "not-ours-\(name)", owner: stranger, state: .running)
                }
            }
            try await eventually("they are gone") {
                trial.place.state.withLock { $0.replicas["of-it"] == nil && $0.replicas["of-nobody"] == nil }
            }
            #expect(trial.place.state.withLock { $0.replicas.keys.filter { $0.hasPrefix("not-ours") }.count } == 2)
            try await control.stop()
        }
    }

    @Test("to zero when nobody asks, and back as soon as a router holds a request; both with their numbers")
    func zero() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let scaling = V1.Scaling(minimum: 0, zeroAfter: .init(.milliseconds(500)))
            let id = try await trial.deployment(scaling: scaling)
            try await eventually("it sleeps") { try await trial.seen(id).state == .asleep }
            try await eventually("nobody runs") { trial.place.running.isEmpty }
            let report = Slipway.Routing.V1.RouteReport(revision: 1, waiting: 2).serialized()
            try await fixture.pool.execute(
                """
                INSERT INTO deployments.router_reports (router, deployment, revision, report)
                VALUES (\(PostgresUUID.random()), \(id), 1, \(report))
                """)
            try await fixture.pool.execute("SELECT pg_notify('slipway_demand', \("\(id)"))")
            try await eventually("it is awake") { try await trial.isSettled(id, [1: 3]) }
            let decisions = try await fixture.pool.query(
                "SELECT decision FROM deployments.decisions WHERE deployment = \(id) AND changes ORDER BY id"
            ).all([UInt8].self).map { try V1.ScalingDecision(serialized: $0[...]) }
            #expect(decisions.first?.to == 0 && decisions.last?.to == 3)
            #expect(decisions.last?.waiting == 2)
            try await control.stop()
        }
    }

    @Test("a canary that answers badly goes back by itself, and the history says why")
    func canary() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment()
            try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
            let gate = V1.Gate(measure: .errorRate, maximum: 0.01, requests: 20)
            try await trial.update(
                id, to: 2, .init(strategy: .canary, stepPercent: 10, bake: .init(.seconds(600)), gates: [gate]))
            try await eventually("it has its share") {
                try await trial.seen(id).shares == [Share(revision: 1, percent: 90), Share(revision: 2, percent: 10)]
            }
            let report = Slipway.Routing.V1.RouteReport(revision: 2, requests: 40, failures: 10).serialized()
            try await fixture.pool.execute(
                """
                INSERT INTO deployments.router_reports (router, deployment, revision, report)
                VALUES (\(PostgresUUID.random()), \(id), 2, \(report))
                """)
            try await eventually("it went back") { try await trial.isSettled(id, [1: 2]) }
            let why = try #require(try await trial.seen(id).conditions["RolloutHealthy"])
            #expect(why == "RolledBack: 10 of 40 requests to revision 2 failed: 25 %, more than the 1 % allowed")
            let entry = try await fixture.entries().first { $0.action == "rollout.rolled-back" }
            #expect(entry?.after?.text.contains("25 %") ?? false)
            try await control.stop()
        }
    }

    @Test("a replica that does not answer any more is replaced")
    func liveness() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let control = try TestControl(trial)
            let id = try await trial.deployment(scaling: .init(minimum: 1))
            try await eventually("it serves") { try await trial.isSettled(id, [1: 1]) }
            let first = trial.place.running.map(\.id)
            trial.probing.silent.withLock { _ = $0.insert(1) }
            try await eventually("it is given up") { try await trial.seen(id).ready == [:] }
            trial.probing.silent.withLock { $0 = [] }
            try await eventually("another serves") { try await trial.isSettled(id, [1: 1]) }
            #expect(trial.place.running.map(\.id) != first)
            try await control.stop()
        }
    }
}
