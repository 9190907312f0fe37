import Glibc
import Activities
import Journal
import Leases
import Loop
import Postgres
import ServiceKit
import Testing

/// The cluster that the tests of this process share; it goes when the process ends.
enum TestDatabase {
    static let loops: LoopGroup = {
        do {
            let group = try LoopGroup(count: 2, name: "test")
            try group.start()
            return group
        } catch {
            preconditionFailure("\(error)")
        }
    }()
    private static let folder = "/tmp/slipway-activities-tests-\(getpid())"

    private static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "100")]
        let cluster = try await PrivateCluster.start(configuration)
        started.withLock { $0 = cluster }
        atexit {
            if let process = TestDatabase.started.withLock({ $0?.processID }) { kill(process, SIGQUIT) }
            system("rm -rf -- \(TestDatabase.folder)")
        }
        try await prepare(PostgresConfiguration(connection: cluster.connectionString))
        return cluster
    }
    private static let started = Lock<PrivateCluster?>(nil)

    static func prepare(_ configuration: PostgresConfiguration) async throws {
        try await Journal.prepare(configuration, on: loops.loops[0])
        try await Activities.prepare(configuration, on: loops.loops[0])
    }

    /// A cluster of its own, for tests that stop it.
    static func withOwnCluster(named name: String, _ body: (PrivateCluster) async throws -> Void) async throws {
        let folder = "\(folder)-\(name)"
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "60")]
        let cluster = try await PrivateCluster.start(configuration)
        var failure: (any Error)?
        do {
            try await prepare(PostgresConfiguration(connection: cluster.connectionString))
            try await body(cluster)
        } catch { failure = error }
        if let process = cluster.processID { kill(process, SIGQUIT) }
        system("rm -rf -- \(folder)")
        if let failure { throw failure }
    }

    static func withPool(_ body: (PostgresPool) async throws -> Void) async throws {
        try await withPool(shared.value, body)
    }

    static func withPool(_ cluster: PrivateCluster, _ body: (PostgresPool) async throws -> Void) async throws {
        var configuration = PostgresConfiguration(connection: cluster.connectionString)
        configuration.pool.connectionsMax = 12
        let pool = PostgresPool(configuration, loops: [loops.loops[0]])
        var failure: (any Error)?
        do { try await body(pool) } catch { failure = error }
        await pool.close()
        if let failure { throw failure }
    }
}

/// A worker of one process, with what it needs, for as long as a test uses it.
final class TestWorker: Sendable {
    let activities: Activities
    private let stopSignal = StopSignal()
    private let task: Task<Void, any Error>

    init(
        _ pool: PostgresPool, _ handlers: [any ActivityHandler], name: String = "worker",
        _ change: (inout ActivityWorker.Configuration) -> Void = { _ in }
    ) {
        var configuration = ActivityWorker.Configuration()
        configuration.onEvent = { print("\(name): \($0)") }
        change(&configuration)
        let activities = Activities(pool, loop: TestDatabase.loops.loops[1])
        let worker = ActivityWorker(activities, name: name, handlers: handlers, configuration: configuration)
        self.activities = activities
        task = Task { [stopSignal] in
            let listening = Task { try await activities.run() }
            defer { listening.cancel() }
            try await StopSignal.$current.withValue(stopSignal) { try await worker.run() }
        }
    }

    /// Asks for the end in order, and waits for it.
    func stop() async throws {
        stopSignal.request()
        try await task.value
    }

    /// As a group does with what does not stop in time.
    func cancel() async {
        task.cancel()
        _ = await task.result
    }
}

/// Runs `body` with a worker, and stops it.
func withWorker(
    _ pool: PostgresPool, _ handlers: [any ActivityHandler],
    _ change: (inout ActivityWorker.Configuration) -> Void = { _ in }, _ body: (TestWorker) async throws -> Void
) async throws {
    let worker = TestWorker(pool, handlers, change)
    var failure: (any Error)?
    do { try await body(worker) } catch { failure = error }
    await worker.cancel()
    if let failure { throw failure }
}

func request(_ kind: String, subject: String = "things/1", workspace: String = "lab", key: String? = nil)
    -> ActivityRequest
{
    ActivityRequest(kind: kind, subject: subject, workspace: workspace, actor: "ada", key: key)
}

/// Sleeps until the task is cancelled.
func sleepUntilCancelled() async throws {
    try await TestDatabase.loops.loops[1].sleep(for: .seconds(3600))
}

extension PostgresPool {
    /// Makes the lease look as if its holder had died long ago.
    func expire(_ lease: Lease) async throws {
        try await execute(
            """
            UPDATE leases.leases SET claimable_at = clock_timestamp() - interval '1 second'
            WHERE kind = \(lease.kind) AND name = \(lease.name)
            """)
    }
}
