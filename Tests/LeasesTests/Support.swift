import Glibc
import Leases
import Loop
import Postgres
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
    private static let folder = "/tmp/slipway-leases-tests-\(getpid())"

    private static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "100")]
        let cluster = try await PrivateCluster.start(configuration)
        started.withLock { $0 = cluster }
        atexit {
            if let process = TestDatabase.started.withLock({ $0?.processID }) { kill(process, SIGQUIT) }
            system("rm -rf -- \(TestDatabase.folder)")
        }
        try await Leases.prepare(
            PostgresConfiguration(connection: cluster.connectionString), on: loops.loops[0])
        return cluster
    }
    private static let started = Lock<PrivateCluster?>(nil)

    static func withPool(_ body: (PostgresPool) async throws -> Void) async throws {
        var configuration = PostgresConfiguration(connection: try await shared.value.connectionString)
        configuration.pool.connectionsMax = 12
        let pool = PostgresPool(configuration, loops: [loops.loops[0]])
        var failure: (any Error)?
        do { try await body(pool) } catch { failure = error }
        await pool.close()
        if let failure { throw failure }
    }
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
