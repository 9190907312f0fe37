internal import Activities
internal import Blobs
internal import Contracts
internal import Journal
internal import OCI
internal import Postgres
internal import RPC
internal import ResourceKit

/// An image that was assembled, with what it was made of.
struct BuiltImage {
    let input: BuildInput
    let contents: RecipeContents
    let ingredients: ImageIngredients
    let image: AssembledImage

    /// What never changes of it and is not searched: models, base and platform.
    var facts: Slipway.Images.V1.Image {
        var facts = Slipway.Images.V1.Image()
        facts.models = zip(ingredients.models, image.modelPaths).map { .init($0, path: $1) }
        facts.base = ingredients.base.map { .init(reference: $0.reference, digest: "\($0.manifest.digest)") }
        facts.platform = "\(ingredients.platform)"
        return facts
    }

    /// Recipe and layers.
    var details: Slipway.Images.V1.Image {
        var details = Slipway.Images.V1.Image()
        details.recipe = contents.recipe
        details.layers = image.layers.map { .init($0) }
        return details
    }

    var size: Int64 { image.layers.reduce(0) { $0 + $1.descriptor.size } }

    /// What the image needs of the store, each once.
    var blobs: [BlobDigest] {
        let parts = [image.manifest.digest, image.configuration.digest] + image.layers.map(\.descriptor.digest)
        return Array(Set(parts + (ingredients.environment?.packages.map(\.digest) ?? [])))
    }

    var sources: [BlobDigest] {
        Array(Set((ingredients.source.map { [$0.digest] } ?? []) + ingredients.assets.map(\.tree.digest)))
    }
}

/// Writes an image down: its number, its rows, its aliases, what the registry is to be told, and the journal's row, in one
/// transaction that commits only while its worker holds the activity.
struct ImageRecorder: Sendable {
    private let images: ImageStore

    init(_ pool: PostgresPool) { images = ImageStore(pool) }

    /// The image that the build recorded already.
    func recorded(_ build: PostgresUUID) async throws -> StoredImage? {
        try await images.pool.query(
            "SELECT \(ImageRecord.columns) FROM images.images AS i WHERE i.build = \(build)"
        ).all(ImageRecord.self).first?.stored
    }

    func record(_ built: BuiltImage, _ context: ActivityContext) async throws -> StoredImage {
        let request = built.input.request
        let change = ImageChange(
            WorkspaceChange(built.input.workspace, actor: context.activity.actor, reason: request.reason),
            principal: built.input.principal)
        return try await context.transaction { transaction in
            // The number is drawn under the lock of the name's row, and goes back with the transaction where it fails.
            let version =
                try await transaction.query(
                    """
                    INSERT INTO images.names AS n (workspace, name, last_version)
                    VALUES (\(change.workspaceID), \(request.name), 1)
                    ON CONFLICT (workspace, name) DO UPDATE SET last_version = n.last_version + 1 RETURNING last_version
                    """
                ).all(Int32.self).first ?? 1
            let id = try await insert(built, version, change, context.activity.id, transaction)
            guard let stored = try await images.read(id, transaction) else {
                throw PostgresError(.usage, "an image was recorded, and is not there")
            }
            for alias in request.aliases {
                let statements = try await ImageStore.pointing(alias, to: stored, change, transaction)
                if !statements.isEmpty { _ = try await transaction.pipeline(statements) }
            }
            _ = try await transaction.pipeline(rows(of: built, stored, change, context.activity.id))
            return stored
        }
    }

    private func insert(
        _ built: BuiltImage, _ version: Int32, _ change: ImageChange, _ build: PostgresUUID,
        _ transaction: PostgresTransaction
    ) async throws -> Int64 {
        let request = built.input.request
        let lock = built.ingredients.environment
        let ids = try await transaction.query(
            """
            INSERT INTO images.images (workspace, name, version, digest, size, description, tags, facts, contents,
                environment, uses_base_python, build, created_by)
            VALUES (\(change.workspaceID), \(request.name), \(version), \(built.image.manifest.digest.bytes),
                \(built.size), \(request.description), \(PostgresJSON(RowJSON.object(request.tags))),
                \(built.facts.serialized()), \(built.details.serialized()),
                \(lock.map { Slipway.Images.V1.EnvironmentLock($0).serialized() } ?? []),
                \(lock?.usesBase ?? false), \(build), \(change.actor))
            RETURNING id
            """
        ).all(Int64.self)
        guard let id = ids.first else { throw PostgresError(.usage, "an image was inserted, and nothing came back") }
        return id
    }

    private func rows(
        of built: BuiltImage, _ stored: StoredImage, _ change: ImageChange, _ build: PostgresUUID
    ) -> [PostgresQuery] {
        let models = built.ingredients.models
        return [
            """
            INSERT INTO images.image_models (image, workspace, model, version)
            SELECT \(stored.id), \(change.workspaceID), m.model, m.version
            FROM unnest(\(models.map(\.name)), \(models.map { Int32(clamping: $0.version) })) AS m (model, version)
            ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO images.image_blobs (image, digest)
            SELECT \(stored.id), given.digest FROM unnest(\(built.blobs.map(\.bytes))) AS given (digest)
            """,
            """
            INSERT INTO images.image_sources (image, source)
            SELECT \(stored.id), s.id FROM images.sources AS s
            WHERE s.workspace = \(change.workspaceID) AND s.digest = ANY(\(built.sources.map(\.bytes)))
            """,
            UseReports.statement(UseReport(stored.subject, versions: stored.modelVersions, of: change)),
            UseReports.statement(
                UseReport(
                    UseReport.user(ofBuild: build, name: stored.image.name), versions: [], of: change,
                    behind: stored.subject, build: build)),
            Journal.insertion(
                change.entry("built", stored.subject, after: Self.state(stored)), from: "(VALUES (1)) AS once"),
        ]
    }

    /// For the journal, and for whoever follows it.
    private static func state(_ stored: StoredImage) -> String {
        RowJSON.members([
            ("name", RowJSON.text(stored.image.name)), ("version", "\(stored.image.version)"),
            ("digest", RowJSON.text("\(stored.digest)")), ("models", RowJSON.array(stored.modelVersions)),
            ("size", "\(stored.image.sizeBytes)"), ("build", RowJSON.text(stored.image.build)),
        ])
    }
}
