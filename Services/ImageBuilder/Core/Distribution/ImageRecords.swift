public import Access
public import Blobs
public import Postgres
internal import ResourceKit

/// The images of the tables, as those see them who fetch one.
public struct ImageRecords: ImageCatalogue {
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    public func image(
        _ name: String, _ target: ImageTarget, in workspace: Workspace
    ) async throws -> CataloguedImage? {
        let which: PostgresQuery =
            switch target {
            case .latest: "TRUE"
            case .version(let number): "i.version = \(number)"
            case .digest(let digest): "i.digest = \(digest.bytes)"
            case .alias(let alias):
                """
                i.id = (SELECT a.image FROM images.aliases AS a
                    WHERE a.workspace = \(workspace.databaseID) AND a.name = \(name) AND a.alias = \(alias))
                """
            }
        let found = try await pool.read(
            """
            SELECT i.version, i.digest FROM images.images AS i
            WHERE i.workspace = \(workspace.databaseID) AND i.name = \(name) AND i.deleted IS NULL AND \(which)
            ORDER BY i.version DESC LIMIT 1
            """
        ).all((Int32, [UInt8]).self)
        guard let (version, bytes) = found.first, let digest = BlobDigest(bytes: bytes) else { return nil }
        return CataloguedImage(name: name, version: version, digest: digest)
    }

    public func holds(_ blob: BlobDigest, _ name: String, in workspace: Workspace) async throws -> Bool {
        try await pool.read(
            """
            SELECT EXISTS (
                SELECT FROM images.image_blobs AS b JOIN images.images AS i ON i.id = b.image
                WHERE b.digest = \(blob.bytes) AND i.workspace = \(workspace.databaseID) AND i.name = \(name)
                AND i.deleted IS NULL)
            """
        ).all(Bool.self).first ?? false
    }

    public func tags(
        _ name: String, in workspace: Workspace, after: String?, limit: Int
    ) async throws -> [String]? {
        let place = workspace.databaseID
        let found = try await pool.read(
            """
            SELECT t.tag FROM (
                SELECT i.version::text COLLATE "C" AS tag FROM images.images AS i
                WHERE i.workspace = \(place) AND i.name = \(name) AND i.deleted IS NULL
                UNION ALL SELECT a.alias FROM images.aliases AS a WHERE a.workspace = \(place) AND a.name = \(name)
                UNION ALL SELECT 'latest') AS t
            WHERE EXISTS (SELECT FROM images.images AS i
                WHERE i.workspace = \(place) AND i.name = \(name) AND i.deleted IS NULL)
            AND t.tag > \(after ?? "") COLLATE "C" ORDER BY t.tag COLLATE "C" LIMIT \(limit)
            """
        ).all(String.self)
        guard found.isEmpty else { return found }
        return try await image(name, .latest, in: workspace) == nil ? nil : []
    }

    public func names(
        in workspaces: [Workspace], after: CataloguedName?, limit: Int
    ) async throws -> [CataloguedName] {
        let found = try await pool.read(
            """
            SELECT w.name, n.name FROM unnest(\(workspaces.map(\.databaseID)), \(workspaces.map(\.name))) AS w (id, name)
            JOIN images.names AS n ON n.workspace = w.id
            WHERE (w.name COLLATE "C", n.name) > (\(after?.workspace ?? ""), \(after?.name ?? ""))
            AND EXISTS (SELECT FROM images.images AS i
                WHERE i.workspace = w.id AND i.name = n.name AND i.deleted IS NULL)
            ORDER BY w.name COLLATE "C", n.name LIMIT \(limit)
            """
        ).all((String, String).self)
        return found.map { CataloguedName(workspace: $0.0, name: $0.1) }
    }
}
