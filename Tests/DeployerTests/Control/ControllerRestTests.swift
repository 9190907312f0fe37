import Contracts
import DeployerTargets
import Glibc
import HTTP
import Leases
import Postgres
import Protobuf
import Secrets
import Testing

@testable import DeployerCore

/// The time that this process had a core for, in seconds.
private func busySeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

@Suite("Control at rest", .serialized, .timeLimit(.minutes(10))) struct ControllerRestTests {
    @Test("with a thousand deployments and nothing to do, no lease is taken and nothing is written")
    func rest() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            try await fill(trial, count: 1000)
            var parts = trial.parts
            parts.times = ControlTimes()
            let control = try TestControl(trial, "resting", parts: parts)
            try await eventually("all is as it should be", within: .seconds(300)) {
                let states = try await fixture.pool.query(
                    "SELECT count(*) FROM deployments.deployments WHERE state = 2 AND observed_generation = generation"
                ).all(Int.self)
                let held = try await fixture.pool.query(
                    "SELECT count(*) FROM leases.leases WHERE holder IS NOT NULL"
                ).all(Int.self)
                return states == [1000] && held == [0]
            }
            let fences = try await fixture.pool.query("SELECT last_value FROM leases.fences").all(Int64.self)
            let observations = trial.place.state.withLock { $0.observations }
            let (clock, before) = (ContinuousClock(), busySeconds())
            let begin = clock.now
            // Two full looks, and each place seen several times.
            try await eventually("it looked several times", within: .seconds(120)) {
                try await Task.sleep(for: .seconds(1))
                return trial.place.state.withLock { $0.observations } >= observations + 5
            }
            let passed = Double((clock.now - begin).components.seconds)
            let part = (busySeconds() - before) / passed * 100
            let after = try await fixture.pool.query("SELECT last_value FROM leases.fences").all(Int64.self)
            #expect(after == fences)
            // One look at the place for all of them, each time.
            #expect(trial.place.state.withLock { $0.observations } - observations <= Int(passed / 3) + 3)
            let report = "1,000 deployments at rest: \(Int(part * 10)) thousandths of a core, over \(Int(passed)) s"
            print(report)
            // Without optimisation, and with the place and the replicas in the same process.
            #expect(part < 50)
            try await control.stop()
        }
    }

    /// Deployments with a replica each that is ready and has its requests.
    private func fill(_ trial: ControlTrial, count: Int) async throws {
        for number in 0..<count {
            let id = try await trial.deployment("churn-\(number)", scaling: .init(minimum: 1))
            let replica = PostgresUUID.random()
            let key = try trial.box.seal(
                Array("a key of a replica that is long enough".utf8), for: SecretBox.replicaKey("\(replica)"))
            try await trial.fixture.pool.execute(
                """
                INSERT INTO deployments.replicas (id, deployment, revision, target, state, address, sealed_key, started,
                    ready)
                VALUES (\(replica), \(id), 1, \(trial.target), 3, \("unix:/replicas/\(replica)"), \(key), now(), now())
                """)
            let owner = ReplicaOwner(
                suite: "suite", workspace: "lab", deployment: "churn-\(number)", deploymentID: id, revision: 1)
            trial.place.state.withLock {
                $0.replicas["\(replica)"] = ObservedReplica(
                    id: "\(replica)", owner: owner, state: .running, address: .unix(path: "/replicas/\(replica)"))
            }
        }
        try await trial.fixture.pool.execute("UPDATE deployments.revisions SET settings = \(usual())")
    }

    /// With the probe's usual times.
    private func usual() -> [UInt8] {
        V1.ReplicaSettings(cpuMillis: 100, memoryBytes: 1 << 29, concurrency: 1).serialized()
    }
}
