import Contracts
import Glibc
import HTTP
import ImageShelf
import Loop
import OCI
import RPC
import ServiceKit
import Synchronization
import Tar
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import Journal
@testable import Postgres
@testable import RegistryCore
@testable import Secrets

/// An image builder's database of its own with two workspaces, `lab` and `attic`, and a store of blobs in memory.
struct ImagesFixture: Sendable {
    let loops: LoopGroup
    let compute: ComputePool
    let pool: PostgresPool
    let blobs = MemoryBlobStore()
    let lab: Workspace
    let attic: Workspace

    static let change = IdentityChange(actor: "system:test")

    var identity: IdentityStore { IdentityStore(pool) }
    var secrets: SecretStore { SecretStore(pool, keys: SecretKeys(SecretKey.random())) }

    /// A principal with roles, and a token for it.
    func member(
        _ name: String, _ roles: [(Workspace, Role)]
    ) async throws -> (principal: Principal, token: Secret, tokenID: String) {
        let principal = try await identity.createPrincipal(name, kind: .person, by: ImagesFixture.change)
        for (workspace, role) in roles {
            try await identity.setRole(role, of: principal.id, in: workspace.id, by: ImagesFixture.change)
        }
        let issued = try await identity.issueToken(TokenRequest(principal.id, name: "test"), by: ImagesFixture.change)
        return (principal, issued.text, issued.id)
    }

    private var shelf: ImageShelf { ImageShelf(pool, blobs, compute) }

    func layer(
        _ files: [(path: String, text: String)], kind: String = "models"
    ) async throws -> Slipway.Images.V1.ImageLayer { try await shelf.layer(files, kind: kind) }

    @discardableResult
    func record(
        _ name: String, _ layers: [Slipway.Images.V1.ImageLayer], in workspace: Workspace? = nil,
        packages: [Slipway.Images.V1.LockedPackage] = [],
        _ change: (inout ImageConfiguration) -> Void = { _ in }
    ) async throws -> StoredImage {
        try await shelf.record(name, layers, in: workspace ?? lab, packages: packages, change)
    }

    func setAlias(_ alias: String, _ image: StoredImage) async throws {
        try await shelf.setAlias(alias, image, in: lab)
    }

    /// Marks an image as deleted so many seconds ago.
    func delete(_ image: StoredImage, secondsAgo: Int = 0) async throws {
        try await pool.execute(
            "UPDATE images.images SET deleted = now() - make_interval(secs => \(Double(secondsAgo))) WHERE id = \(image.id)"
        )
    }

    /// Makes every blob so old that a collector looks at it.
    func collector(
        _ settings: CollectionSettings = CollectionSettings(), store: (any BlobStore)? = nil
    ) -> ImageKeeper {
        ImageKeeper(
            pool, store: store ?? blobs, settings: settings, metrics: MetricsRegistry(), loop: loops.loops[0])
    }

    /// What is in the store.
    func held() async throws -> Set<BlobDigest> {
        Set(try await blobs.list(after: nil, limit: 10_000).map(\.digest))
    }
}

/// The server that these tests share, and a database with all tables that theirs are copies of.
private enum ImagesCluster {
    static let number = Atomic<Int>(0)
    static let folder = "/tmp/slipway-distribution-tests-\(getpid())"
    static let template = "images_template"
    private static let process = Atomic<Int>(0)

    static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "200")]
        let cluster = try await PrivateCluster.start(configuration)
        process.store(Int(cluster.processID ?? 0), ordering: .relaxed)
        atexit {
            // The server outlives us by design; that of a test must not.
            let process = pid_t(ImagesCluster.process.load(ordering: .relaxed))
            if process > 0 { kill(process, SIGQUIT) }
            _ = try? ChildProcess.run("rm", ["-rf", "--", ImagesCluster.folder])
        }
        let loops = try LoopGroup(count: 1, name: "template")
        try loops.start()
        defer { loops.stop() }
        let loop = loops.loops[0]
        try await execute("CREATE DATABASE \(identifier: template)", cluster.connectionString, loop)
        let database = PostgresConfiguration(connection: cluster.connectionString + " dbname=\(template)")
        try await Journal.prepare(database, on: loop)
        try await IdentityStore.prepare(database, on: loop)
        try await SecretStore.prepare(database, on: loop)
        try await Activities.prepare(database, on: loop)
        try await ImageSchema.prepare(database, on: loop)
        try await RegistrySchema.prepare(database, on: loop)
        return cluster
    }

    static func execute(_ query: PostgresQuery, _ connection: String, _ loop: EventLoop) async throws {
        let pool = PostgresPool(PostgresConfiguration(connection: connection), loops: [loop])
        do {
            try await pool.execute(query)
            await pool.close()
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// Runs `body` with an image builder's tables of its own.
func withImages(_ body: (ImagesFixture) async throws -> Void) async throws {
    let cluster = try await ImagesCluster.shared.value
    let loops = try LoopGroup(count: 2, name: "test")
    try loops.start()
    defer { loops.stop() }
    let compute = ComputePool(threads: 1, name: "test")
    try compute.start()
    defer { compute.stop() }
    let name = "images_\(ImagesCluster.number.add(1, ordering: .relaxed).newValue)"
    try await ImagesCluster.execute(
        "CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: ImagesCluster.template)",
        cluster.connectionString, loops.loops[0])
    var configuration = PostgresConfiguration(connection: cluster.connectionString + " dbname=\(name)")
    configuration.pool.connectionsMax = 16
    let pool = PostgresPool(configuration, loops: loops.loops)
    do {
        let identity = IdentityStore(pool)
        let keeper = try await identity.createPrincipal("keeper", kind: .service, by: ImagesFixture.change)
        let fixture = ImagesFixture(
            loops: loops, compute: compute, pool: pool,
            lab: try await identity.createWorkspace("lab", owner: keeper.id, by: ImagesFixture.change),
            attic: try await identity.createWorkspace("attic", owner: keeper.id, by: ImagesFixture.change))
        try await body(fixture)
        await pool.close()
    } catch {
        await pool.close()
        throw error
    }
}
