import Contracts
import Glibc
import HTTP
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

    /// Writes a layer: files by path with their text; a name that begins with `.wh.` takes away.
    func layer(
        _ files: [(path: String, text: String)], kind: String = "models"
    ) async throws -> Slipway.Images.V1.ImageLayer {
        var contents = LayerContents()
        for (path, text) in files {
            try contents.add(TarEntry(path: path, size: Int64(text.utf8.count)), from: .bytes(Array(text.utf8)))
        }
        let written = try await LayerWriter(store: blobs, files: MachineFiles(pool: compute)).write(contents)
        return Slipway.Images.V1.ImageLayer(
            kind: kind, digest: "\(written.descriptor.digest)", diffId: "\(written.contents)",
            sizeBytes: written.descriptor.size)
    }

    /// Puts an image of these layers into the store and writes it down as a build would.
    @discardableResult
    func record(
        _ name: String, _ layers: [Slipway.Images.V1.ImageLayer], in workspace: Workspace? = nil,
        packages: [Slipway.Images.V1.LockedPackage] = [],
        _ change: (inout ImageConfiguration) -> Void = { _ in }
    ) async throws -> StoredImage {
        var configuration = ImageConfiguration(
            platform: .current, entryPoint: ["/scorer"],
            layerContents: layers.compactMap { BlobDigest($0.diffId) })
        change(&configuration)
        let document = try await blobs.put(configuration.json)
        let manifest = Manifest(
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: document.info.digest, size: document.info.size),
            layers: try layers.map { layer in
                Descriptor(
                    mediaType: MediaType.gzipLayer, digest: try #require(BlobDigest(layer.digest)),
                    size: layer.sizeBytes)
            })
        let digest = try await blobs.put(manifest.json).info.digest
        let place = PostgresUUID((workspace ?? lab).id)
        let needed = [digest, document.info.digest] + manifest.layers.map(\.digest)
        let (id, version) = try await pool.transaction { transaction in
            let version = try await transaction.query(
                """
                INSERT INTO images.names AS n (workspace, name, last_version) VALUES (\(place), \(name), 1)
                ON CONFLICT (workspace, name) DO UPDATE SET last_version = n.last_version + 1 RETURNING last_version
                """
            ).all(Int32.self)[0]
            let id = try await transaction.query(
                """
                INSERT INTO images.images (workspace, name, version, digest, size, facts, build, created_by)
                VALUES (\(place), \(name), \(version), \(digest.bytes), 1, ''::bytea, gen_random_uuid(), 'person:ada')
                RETURNING id
                """
            ).all(Int64.self)[0]
            try await transaction.execute(
                """
                INSERT INTO images.image_blobs (image, digest)
                SELECT DISTINCT \(id), d FROM unnest(\(needed.map(\.bytes))) AS t (d)
                """)
            return (id, version)
        }
        var image = Slipway.Images.V1.Image(name: name, version: version, digest: "\(digest)", layers: layers)
        if !packages.isEmpty { image.environment = Slipway.Images.V1.EnvironmentLock(packages: packages) }
        return StoredImage(id: id, image: image, digest: digest, usesBasePython: false)
    }

    func setAlias(_ alias: String, _ image: StoredImage, in workspace: Workspace? = nil) async throws {
        try await pool.execute(
            """
            INSERT INTO images.aliases (workspace, name, alias, image, set_by)
            VALUES (\(PostgresUUID((workspace ?? lab).id)), \(image.image.name), \(alias), \(image.id), 'person:ada')
            """)
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
