import Blobs
import Contracts
import DeployerTargets
import Glibc
import HTTP
import Leases
import Loop
import OCI
import Postgres
import Protobuf
import Secrets
import ServiceKit
import Testing

@testable import DeployerCore

/// Answers for the replicas of a fake place: ready as soon as they run.
final class FakeProbing: ReplicaProbing {
    let place: FakePlace
    /// Revisions of which no replica gets ready.
    let silent = Lock<Set<Int>>([])

    init(_ place: FakePlace) { self.place = place }

    func ask(_ address: String, key: String, timeout: Duration) async -> String? {
        let id = String(address.split(separator: "/").last ?? "")
        guard key.count > 20, let replica = place.running.first(where: { $0.id == id }) else { return "nobody answers" }
        return silent.withLock { $0.contains(replica.owner.revision) } ? "/readyz answers 503: loading" : nil
    }
}

/// A deployer's control beside others, over a database and a place that they share.
struct ControlTrial: Sendable {
    let fixture: DeployerFixture
    let place: FakePlace
    let probing: FakeProbing
    let box = SecretBox(SecretKeys(.random()))
    let target: Int64

    init(_ fixture: DeployerFixture) async throws {
        self.fixture = fixture
        place = FakePlace()
        probing = FakeProbing(place)
        target = try await fixture.pool.query(
            """
            INSERT INTO deployments.targets (name, kind, place, attached_by, reachable)
            VALUES ('local', 'process', '', 'test', true) RETURNING id
            """
        ).all(Int64.self)[0]
    }

    var parts: ControlParts {
        let place = place
        var times = ControlTimes()
        times.observe = .milliseconds(200)
        times.full = .seconds(2)
        times.demand = .milliseconds(100)
        times.rules.drain = .milliseconds(100)
        times.rules.firstPause = .milliseconds(20)
        times.rules.longestPause = .milliseconds(200)
        times.rules.roomPause = .milliseconds(200)
        return ControlParts(
            suite: "suite", place: { _ in place }, image: { _ in try ImageStub.image() }, variables: { _ in [:] },
            probing: probing,
            box: box, times: times, logger: .silent)
    }

    func deployment(_ name: String = "churn", scaling: V1.Scaling = .init(minimum: 2)) async throws -> Int64 {
        let workspace = fixture.lab.databaseID
        let scaling = scaling.serialized()
        let ids = try await fixture.pool.query(
            """
            INSERT INTO deployments.deployments (workspace, workspace_name, name, target, newest, scaling, security,
                created_by, principal)
            VALUES (\(workspace), 'lab', \(name), \(target), 1, \(scaling), \([UInt8]()), 'test', \(workspace))
            RETURNING id
            """
        ).all(Int64.self)
        let id = try #require(ids.first)
        try await revision(1, of: id)
        try await fixture.pool.execute(
            "INSERT INTO deployments.shares (deployment, revision, percent) VALUES (\(id), 1, 100)")
        return id
    }

    func revision(_ number: Int32, of id: Int64, settings change: (inout V1.ReplicaSettings) -> Void = { _ in })
        async throws
    {
        var settings = V1.ReplicaSettings(cpuMillis: 100, memoryBytes: 1 << 29, concurrency: 1)
        settings.timeout = .init(.seconds(1))
        settings.liveness = .init(period: .init(.milliseconds(100)), timeout: .init(.seconds(2)), failures: 3)
        change(&settings)
        let bytes = settings.serialized()
        let workspace = fixture.lab.databaseID
        try await fixture.pool.execute(
            """
            INSERT INTO deployments.revisions (deployment, number, workspace, image_name, image_version, digest, stage,
                settings, cpu_millis, memory_bytes, gpus, principal, created_by)
            VALUES (\(id), \(number), \(workspace), 'churn', \(number), \([UInt8](repeating: 7, count: 32)), 'ready',
                \(bytes), 100, 536870912, 0, \(workspace), 'test')
            """)
    }

    /// Another revision takes over.
    func update(_ id: Int64, to number: Int32, _ plan: V1.RolloutPlan = .init(strategy: .allAtOnce)) async throws {
        try await revision(number, of: id)
        let bytes = plan.serialized()
        try await fixture.pool.transaction { transaction in
            try await transaction.execute(
                """
                INSERT INTO deployments.rollouts (deployment, from_revision, to_revision, plan)
                VALUES (\(id), \(number - 1), \(number), \(bytes))
                """)
            try await transaction.execute(
                """
                UPDATE deployments.deployments SET newest = \(number), generation = generation + 1 WHERE id = \(id)
                """)
        }
    }

    struct Seen: Equatable {
        /// Ready replicas by revision.
        var ready: [Int: Int]
        var rows: Int
        var shares: [Share]
        var state: StatusReport.State?
        var conditions: [String: String]
    }

    func seen(_ id: Int64) async throws -> Seen {
        guard let record = try await ControlReader(pool: fixture.pool).read([id])[id] else {
            return Seen(ready: [:], rows: 0, shares: [], state: nil, conditions: [:])
        }
        let ready = record.rows.filter { $0.state == .ready }
        return Seen(
            ready: Dictionary(grouping: ready, by: \.revision).mapValues(\.count), rows: record.rows.count,
            shares: record.routed, state: record.report?.state,
            conditions: Dictionary(
                record.report?.conditions.map { ($0.type, "\($0.reason): \($0.message)") } ?? [],
                uniquingKeysWith: { $1 }))
    }

    /// The route as routers have it.
    func route(_ id: Int64) async throws -> Slipway.Routing.V1.Route? {
        let rows = try await fixture.pool.query("SELECT route FROM deployments.routes WHERE deployment = \(id)")
        return try rows.all([UInt8].self).first.map { try Slipway.Routing.V1.Route(serialized: $0[...]) }
    }

    /// Exactly these replicas are ready, run and get the requests, and there is nothing besides.
    func isSettled(_ id: Int64, _ ready: [Int: Int]) async throws -> Bool {
        let seen = try await seen(id)
        let running = place.running.filter { $0.owner.deploymentID == id }
        let all = place.state.withLock { $0.replicas.values.count { $0.owner.deploymentID == id } }
        return seen.ready == ready && seen.rows == ready.values.reduce(0, +) && running.count == seen.rows
            && all == running.count && seen.state == .healthy
            && Set(seen.shares.map(\.revision)) == Set(ready.keys)
    }
}

/// A controller with threads of its own.
final class TestControl: Sendable {
    let loops: LoopGroup
    let pool: PostgresPool
    let controller: Controller
    private let signal = StopSignal()
    private let task: Task<Void, any Error>

    init(
        _ trial: ControlTrial, _ name: String = "first",
        onPoint: @escaping @Sendable (ControlPoint) async -> Void = { _ in }
    ) throws {
        loops = try LoopGroup(count: 1, name: name)
        try loops.start()
        pool = PostgresPool(trial.fixture.configuration, loops: loops.loops)
        controller = Controller(pool, trial.parts, holder: name, loop: loops.loops[0], onPoint: onPoint)
        let service = ControlService(controller)
        let signal = signal
        task = Task(executorPreference: loops.loops[0]) {
            try await StopSignal.$current.withValue(signal) { try await service.run() }
        }
    }

    func stop() async throws {
        signal.request()
        try await task.value
        await pool.close()
        loops.stop()
    }

    /// As the death of the process.
    func kill() { loops.abandon() }
}

/// Waits until it is so.
func eventually(_ what: String, within limit: Duration = .seconds(60), _ body: () async throws -> Bool) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while clock.now < end {
        if try await body() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("never: \(what)")
    throw NeverHappened(what: what)
}

struct NeverHappened: Error {
    var what: String
}

/// An image that only a fake place takes.
enum ImageStub {
    static func image() throws -> LocalImage {
        let descriptor = Descriptor(mediaType: "application/json", digest: try BlobHasher.digest([]), size: 0)
        return LocalImage(
            name: "lab/churn:1", digest: "sha256:" + String(repeating: "07", count: 32),
            manifest: Manifest(configuration: descriptor, layers: []),
            configuration: ImageConfiguration(platform: .current), store: MemoryBlobStore())
    }
}
