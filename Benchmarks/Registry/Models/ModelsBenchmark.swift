import Access
import Blobs
import Contracts
import Glibc
import Identity
import Journal
import Loop
import Postgres
import RegistryCore

/// Registers and searches below the wire, for finding what a change of statements or indexes costs:
///
///     bench-models "host=/run/postgresql dbname=empty" CLIENTS COUNT [NAMES]
///     bench-models "host=/run/postgresql dbname=filled" search PASSES QUERY… < queries
///     bench-models "host=/run/postgresql dbname=filled" count PASSES QUERY… < queries
///
/// Prints registrations a second, or for each query the versions found and p50 and p99 in milliseconds. Queries come from
/// standard input, one a line, where none is given. `count` has the versions counted too, and prints how many there are.
@main
enum ModelsBenchmark {
    private static let workspace = Workspace(id: EntityID(high: 0, low: 1), name: "bench")

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 3 else {
            print("usage: bench-models CONNECTION CLIENTS COUNT [NAMES] | CONNECTION search|count PASSES QUERY…")
            exit(64)
        }
        let group = try LoopGroup(count: 1)
        try group.start()
        let configuration = PostgresConfiguration(connection: arguments[0])
        let loop = group.loops[0]
        let pool = PostgresPool(configuration, loops: group.loops)
        if arguments[1] == "search" || arguments[1] == "count" {
            let store = RegistryStore(pool, blobs: MemoryBlobStore())
            var queries = Array(arguments.dropFirst(3))
            if queries.isEmpty { while let line = readLine() { queries.append(line) } }
            try await Task(executorPreference: loop) { [queries] in
                let workspace = try await filled(pool)
                for query in queries {
                    let request = Slipway.Models.V1.SearchRequest(query: query, count: arguments[1] == "count")
                    try await search(store, request, in: workspace, Int(arguments[2]) ?? 1)
                }
            }.value
        } else {
            try await Journal.prepare(configuration, on: loop)
            try await RegistrySchema.prepare(configuration, on: loop)
            let names = arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1
            try await Task(executorPreference: loop) {
                try await register(pool, clients: Int(arguments[1]) ?? 1, count: Int(arguments[2]) ?? 1, names: names)
            }.value
        }
        await pool.close()
        group.stop()
    }

    private static func register(_ pool: PostgresPool, clients: Int, count: Int, names: Int) async throws {
        let blobs = MemoryBlobStore()
        let digest = try await blobs.put([1, 2, 3]).info.digest
        let id = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
        try await pool.execute(
            """
            INSERT INTO registry.uploads (id, workspace, digest, size, by, done)
            VALUES (\("\(BlobUploadID())"), \(id), \(digest.bytes), 3, 'bench', true) ON CONFLICT DO NOTHING
            """)
        let store = RegistryStore(pool, blobs: blobs)
        let change = RegistryChange(workspace, actor: "service:bench")
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in 0..<count / clients {
                        _ = try await store.register(
                            Slipway.Models.V1.RegisterRequest(
                                name: "model-\((client + number * clients) % names)",
                                files: [
                                    Slipway.Models.V1.ModelFile(path: "model.onnx", digest: "\(digest)", sizeBytes: 3)
                                ],
                                tags: ["team": "growth", "stage": "new"],
                                metrics: ["auc": Double(number % 1000) / 1000, "loss": Double(number % 77)]), by: change
                        )
                    }
                }
            }
            try await group.waitForAll()
        }
        print(Int(Double(count / clients * clients) / seconds(since: start)), "registrations/s")
    }

    /// The workspace that the first version is in.
    private static func filled(_ pool: PostgresPool) async throws -> Workspace {
        let first = try await pool.query("SELECT workspace FROM registry.versions ORDER BY id LIMIT 1")
            .all(PostgresUUID.self).first
        return first.map { Workspace(id: EntityID(high: $0.high, low: $0.low), name: "bench") } ?? workspace
    }

    private static func search(
        _ store: RegistryStore, _ request: Slipway.Models.V1.SearchRequest, in workspace: Workspace, _ passes: Int
    ) async throws {
        var times: [Double] = []
        var found = Slipway.Models.V1.SearchResponse()
        for _ in 0..<max(1, passes) {
            let start = ContinuousClock.now
            found = try await store.search(request, in: workspace)
            times.append(seconds(since: start) * 1000)
        }
        times.sort()
        let count = found.total ?? Int64(found.versions.count)
        print(count, rounded(times[times.count / 2]), rounded(times[times.count * 99 / 100]), request.query)
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
