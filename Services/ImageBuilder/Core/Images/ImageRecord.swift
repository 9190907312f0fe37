internal import Blobs
internal import Contracts
internal import Postgres
internal import Protobuf
internal import ResourceKit

/// A row of `images` with what belongs to it.
struct ImageRecord: PostgresRowDecodable {
    let stored: StoredImage

    /// The columns that `init` reads, of `i`.
    static var columns: PostgresQuery { "\(common), i.contents, i.environment" }

    /// The same of many images: without recipes, layers and packages.
    static var columnsOfMany: PostgresQuery { "\(common), '\\x'::bytea AS contents, '\\x'::bytea AS environment" }

    private static var common: PostgresQuery {
        """
        i.id, i.name, i.version, i.digest, i.size, i.description, i.tags, i.facts, i.uses_base_python, i.build,
        i.created_by, i.created, i.updated, i.deleted, i.revision,
        ARRAY(SELECT a.alias FROM images.aliases AS a WHERE a.image = i.id ORDER BY a.alias) AS aliases,
        ARRAY(SELECT u."user" FROM images.uses AS u WHERE u.image = i.id ORDER BY u."user" LIMIT 1000) AS users
        """
    }

    init(row: PostgresRow) throws {
        var image = try Slipway.Images.V1.Image(serialized: try row.decode("facts", as: [UInt8].self))
        let contents = try Slipway.Images.V1.Image(serialized: try row.decode("contents", as: [UInt8].self))
        image.recipe = contents.recipe
        image.layers = contents.layers
        let environment: [UInt8] = try row.decode("environment")
        if !environment.isEmpty { image.environment = try .init(serialized: environment) }
        guard let digest = BlobDigest(bytes: try row.decode("digest", as: [UInt8].self)) else {
            throw PostgresError(.usage, "an image's digest is none")
        }
        image.name = try row.decode("name")
        image.version = try row.decode("version")
        image.digest = "\(digest)"
        image.sizeBytes = try row.decode("size")
        image.description = try row.decode("description")
        image.tags = try RowJSON.strings(try row.decode("tags"))
        image.build = try row.decode("build", as: PostgresUUID.self).description
        image.createdBy = try row.decode("created_by")
        image.createdAt = Google.Protobuf.Timestamp(try row.decode("created", as: PostgresTimestamp.self))
        image.updatedAt = Google.Protobuf.Timestamp(try row.decode("updated", as: PostgresTimestamp.self))
        image.deletedAt = try row.decode("deleted", as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init)
        image.revision = try row.decode("revision")
        image.aliases = try row.decode("aliases")
        image.users = try row.decode("users")
        stored = StoredImage(
            id: try row.decode("id"), image: image, digest: digest,
            usesBasePython: try row.decode("uses_base_python"))
    }
}

extension StoredImage {
    /// As the journal and the lineage name it.
    var subject: String { "images/\(name)" }

    /// The versions of models in it, as the registry names them.
    var modelVersions: [String] { image.models.map(\.version) }

    /// What can change, for the journal.
    var state: String {
        RowJSON.members([
            ("description", RowJSON.text(image.description)), ("tags", RowJSON.object(image.tags)),
        ])
    }
}
