import Glibc
import Loop
import Synchronization

@testable import Postgres

/// The cluster that the tests of this process share, under a folder of its own that goes when the process ends.
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

    private static let shared = Task { try await temporaryCluster() }

    static func cluster() async throws -> PrivateCluster { try await shared.value }

    /// A cluster of its own, for tests that stop and kill it.
    static func temporaryCluster(settings: [(String, String)] = []) async throws -> PrivateCluster {
        let folder = temporaryFolder()
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "60")] + settings.map { ($0.0, $0.1) }
        let cluster = try await PrivateCluster.start(configuration)
        cleanUp.withLock { $0.append((folder, cluster)) }
        return cluster
    }

    static func temporaryFolder() -> String {
        let path = "/tmp/slipway-tests-\(getpid())-\(counter.add(1, ordering: .relaxed).newValue)"
        atExit
        return path
    }

    static func configuration(_ cluster: PrivateCluster) -> PostgresConfiguration {
        PostgresConfiguration(connection: cluster.connectionString)
    }

    /// A pool on the shared cluster, closed at the end.
    static func withPool<Result>(
        _ change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresPool) async throws -> Result
    ) async throws -> Result {
        try await withPool(on: cluster(), change, body)
    }

    static func withPool<Result>(
        on cluster: PrivateCluster, _ change: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (PostgresPool) async throws -> Result
    ) async throws -> Result {
        var configuration = configuration(cluster)
        configuration.pool.connectionsMax = 8
        change(&configuration)
        let pool = PostgresPool(configuration, loops: [loops.loops[0]])
        do {
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    private static let counter = Atomic<Int>(0)
    private static let cleanUp = Lock<[(String, PrivateCluster)]>([])

    /// The servers outlive us by design; those of a test must not.
    private static let atExit: Void = {
        atexit {
            for (folder, cluster) in TestDatabase.cleanUp.withLock({ $0 }) {
                if let process = cluster.processID { kill(process, SIGQUIT) }
                _ = try? ChildProcess.run("rm", ["-rf", "--", folder])
            }
        }
    }()
}
