import Access
import Blobs
import Contracts
import Glibc
import HTTP
import Identity
import Journal
import Loop
import Postgres
import RPC
import RegistryCore
import ServiceKit

/// A registry's files on a port, and a client of it, each in a process of its own so that their memory can be told apart.
///
///     bench-registry-files serve FOLDER               says "ADDRESS TOKEN", and serves until its input ends
///     bench-registry-files upload ADDRESS TOKEN FILE  sends a file over gRPC, says its digest
///     bench-registry-files download ADDRESS TOKEN     fetches `bench/1`, `model.bin` over gRPC, says how many bytes came
@main
struct BenchRegistryFiles {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("serve", 2): try await Server.run(arguments[1])
        case ("upload", 4): try await Client.upload(arguments[1], arguments[2], arguments[3])
        case ("download", 3): try await Client.download(arguments[1], arguments[2])
        default:
            print("bench-registry-files serve FOLDER | upload ADDRESS TOKEN FILE | download ADDRESS TOKEN")
            exit(2)
        }
    }
}

enum Server {
    static func run(_ folder: String) async throws {
        let loops = try LoopGroup(count: 1, name: "bench")
        try loops.start()
        let compute = ComputePool(threads: 2)
        try compute.start()
        var database = PrivateCluster.Configuration(folder: "\(folder)/postgres")
        database.settings = [("fsync", "off")]
        let cluster = try await PrivateCluster.start(database)
        let configuration = PostgresConfiguration(connection: cluster.connectionString)
        try await Journal.prepare(configuration, on: loops.loops[0])
        try await IdentityStore.prepare(configuration, on: loops.loops[0])
        try await RegistrySchema.prepare(configuration, on: loops.loops[0])
        let pool = PostgresPool(configuration, loops: loops.loops)
        let store = try await FolderBlobStore.open("\(folder)/blobs", pool: compute)
        let (workspace, token) = try await caller(IdentityStore(pool))
        let control = AccessControl(IdentitySource(pool))
        let service = ModelFilesService(pool, store: store, metrics: FileMetrics(MetricsRegistry()))
        var routes = AccessRoutes(control)
        try FileRoutes(service).add(to: &routes)
        // The version that downloads are of: of the upload that is done.
        try routes.add(.post, "/bench/register", requires: .workspace(.contributor)) { _, _, responder in
            try await register(workspace, pool)
            try await responder.respond(204)
        }
        let rpc = RPCServer(
            services: [service], interceptors: [AccessInterceptor(control, services: [service])],
            fallback: Routes(routes.table))
        let server = HTTPServer(endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops, handler: rpc)
        try await server.start()
        print("\(server.addresses[0]) \(token)")
        fflush(nil)
        try await compute.run { while getchar() != EOF {} }
        await server.shutdown(grace: .zero)
        await pool.close()
        try await cluster.stop()
    }

    private static func caller(_ identity: IdentityStore) async throws -> (Workspace, String) {
        let change = IdentityChange(actor: "system:bench")
        let principal = try await identity.createPrincipal("bench", kind: .person, by: change)
        let workspace = try await identity.createWorkspace("bench", owner: principal.id, by: change)
        let token = try await identity.issueToken(TokenRequest(principal.id, name: "bench"), by: change)
        return (workspace, token.text.reveal())
    }

    private static func register(_ workspace: Workspace, _ pool: PostgresPool) async throws {
        try await pool.execute(
            """
            WITH upload AS (SELECT workspace, digest, size FROM registry.uploads WHERE done LIMIT 1),
            model AS (
                INSERT INTO registry.models (workspace, name, last_version, latest_version, version_count)
                SELECT workspace, 'bench', 1, 1, 1 FROM upload RETURNING id, workspace),
            file_set AS (
                INSERT INTO registry.file_sets (workspace, digest, size, file_count)
                SELECT workspace, digest, size, 1 FROM upload RETURNING id),
            file AS (
                INSERT INTO registry.files (file_set, path, digest, size)
                SELECT file_set.id, 'model.bin', digest, size FROM file_set, upload RETURNING size)
            INSERT INTO registry.versions (model, workspace, name, version, file_set, size, facts, created_by)
            SELECT model.id, model.workspace, 'bench', 1, file_set.id, file.size, ''::bytea, 'system:bench'
            FROM model, file_set, file
            """)
    }
}

enum Client {
    private static func withClient<Result>(
        _ address: String, _ token: String,
        _ body: (Slipway.Models.V1.ModelFiles.Client, ComputePool) async throws -> Result
    ) async throws -> Result {
        let loops = try LoopGroup(count: 1, name: "client")
        try loops.start()
        let pool = ComputePool(threads: 1)
        try pool.start()
        guard let address = SocketAddress(address) else { throw RPCError(.invalidArgument, "no address: \(address)") }
        var configuration = ChannelConfiguration()
        configuration.interceptors = [ClientCredentials(token: Secret(token), workspace: "bench")]
        let channel = NetworkChannel(address, loops: loops, configuration: configuration)
        return try await body(Slipway.Models.V1.ModelFiles.Client(channel), pool)
    }

    static func upload(_ address: String, _ token: String, _ path: String) async throws {
        try await withClient(address, token) { client, pool in
            let file = open(path, O_RDONLY | O_CLOEXEC)
            let hasher = try BlobHasher()
            var size: Int64 = 0
            while true {
                let bytes = try await next(file, pool)
                if bytes.isEmpty { break }
                bytes.withUnsafeBytes { hasher.update($0) }
                size += Int64(bytes.count)
            }
            lseek(file, 0, SEEK_SET)
            let digest = try hasher.finish()
            let upload = try await client.beginUpload(
                Slipway.Models.V1.BeginUploadRequest(digest: digest.description, sizeBytes: size))
            let started = ContinuousClock.now
            let done = try await client.appendUpload { writer in
                var message = Slipway.Models.V1.AppendUploadRequest(id: upload.id)
                while true {
                    let bytes = try await next(file, pool)
                    if bytes.isEmpty { break }
                    message.data = bytes[...]
                    try await writer.write(message)
                    message = Slipway.Models.V1.AppendUploadRequest()
                }
            }
            print("\(digest) \(done.done) \(seconds(ContinuousClock.now - started))")
        }
    }

    static func download(_ address: String, _ token: String) async throws {
        try await withClient(address, token) { client, _ in
            let started = ContinuousClock.now
            let request = Slipway.Models.V1.DownloadRequest(version: "bench/1", path: "model.bin")
            let count = try await client.download(request) { responses in
                var count = 0
                for try await response in responses { count += response.data.count }
                return count
            }
            print("\(count) \(seconds(ContinuousClock.now - started))")
        }
    }

    private static func next(_ file: Int32, _ pool: ComputePool) async throws -> [UInt8] {
        try await pool.run {
            [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = max(0, read(file, buffer.baseAddress, buffer.count))
            }
        }
    }

    private static func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1e9 }
}
