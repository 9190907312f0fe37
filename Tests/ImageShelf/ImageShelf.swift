public import Access
public import Blobs
public import Contracts
public import ImageBuilderCore
public import Loop
public import OCI
public import Postgres
import Tar

/// Puts images down as builds do, without what goes into a real one: for tests of whatever hands images on.
public struct ImageShelf: Sendable {
    private let pool: PostgresPool
    private let store: any BlobStore
    private let compute: ComputePool

    public init(_ pool: PostgresPool, _ store: any BlobStore, _ compute: ComputePool) {
        self.pool = pool
        self.store = store
        self.compute = compute
    }

    /// Writes a layer: files by path with their text; a name that begins with `.wh.` takes away.
    public func layer(
        _ files: [(path: String, text: String)], kind: String = "models"
    ) async throws -> Slipway.Images.V1.ImageLayer {
        var contents = LayerContents()
        for (path, text) in files {
            try contents.add(TarEntry(path: path, size: Int64(text.utf8.count)), from: .bytes(Array(text.utf8)))
        }
        let written = try await LayerWriter(store: store, files: MachineFiles(pool: compute)).write(contents)
        return Slipway.Images.V1.ImageLayer(
            kind: kind, digest: "\(written.descriptor.digest)", diffId: "\(written.contents)",
            sizeBytes: written.descriptor.size)
    }

    /// Puts an image of these layers into the store and writes it down.
    @discardableResult
    public func record(
        _ name: String, _ layers: [Slipway.Images.V1.ImageLayer], in workspace: Workspace,
        packages: [Slipway.Images.V1.LockedPackage] = [],
        _ change: (inout ImageConfiguration) -> Void = { _ in }
    ) async throws -> StoredImage {
        var configuration = ImageConfiguration(
            platform: .current, entryPoint: ["/scorer"], layerContents: layers.compactMap { BlobDigest($0.diffId) })
        change(&configuration)
        let document = try await store.put(configuration.json)
        let manifest = Manifest(
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: document.info.digest, size: document.info.size),
            layers: layers.compactMap { layer in
                BlobDigest(layer.digest).map {
                    Descriptor(mediaType: MediaType.gzipLayer, digest: $0, size: layer.sizeBytes)
                }
            })
        let digest = try await store.put(manifest.json).info.digest
        let place = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
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
                INSERT INTO images.images (workspace, name, version, digest, size, facts, contents, build, created_by)
                VALUES (\(place), \(name), \(version), \(digest.bytes), 1, ''::bytea, ''::bytea, gen_random_uuid(), 'person:ada')
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

    public func setAlias(_ alias: String, _ image: StoredImage, in workspace: Workspace) async throws {
        try await pool.execute(
            """
            INSERT INTO images.aliases (workspace, name, alias, image, set_by)
            VALUES (\(PostgresUUID(high: workspace.id.high, low: workspace.id.low)), \(image.image.name), \(alias),
                \(image.id), 'person:ada')
            """)
    }
}
