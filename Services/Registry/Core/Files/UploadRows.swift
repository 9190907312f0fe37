import Access
import Blobs
import Identity
import Postgres

/// What the table knows of an upload.
struct UploadRow: Sendable {
    let id: BlobUploadID
    let digest: BlobDigest
    let size: Int64
    let isDone: Bool
}

/// The table of uploads. A workspace sees only its own.
struct UploadRows: Sendable {
    let pool: PostgresPool

    func find(_ digest: BlobDigest, in workspace: Workspace) async throws -> UploadRow? {
        try await row(
            """
            SELECT id, digest, size, done FROM registry.uploads
            WHERE workspace = \(PostgresUUID(workspace.id)) AND digest = \(digest.bytes)
            """)
    }

    func find(_ id: BlobUploadID, in workspace: Workspace) async throws -> UploadRow? {
        try await row(
            """
            SELECT id, digest, size, done FROM registry.uploads
            WHERE workspace = \(PostgresUUID(workspace.id)) AND id = \(id.description)
            """)
    }

    /// Finds an upload that is written to now, so that it does not look abandoned.
    func touch(_ id: BlobUploadID, in workspace: Workspace) async throws -> UploadRow? {
        try await row(
            """
            UPDATE registry.uploads SET updated = now()
            WHERE workspace = \(PostgresUUID(workspace.id)) AND id = \(id.description)
            RETURNING id, digest, size, done
            """)
    }

    private func row(_ query: PostgresQuery) async throws -> UploadRow? {
        let found = try await pool.query(query).all((String, [UInt8], Int64, Bool).self)
        guard let (text, bytes, size, isDone) = found.first, let id = BlobUploadID(text),
            let digest = BlobDigest(bytes: bytes)
        else { return nil }
        return UploadRow(id: id, digest: digest, size: size, isDone: isDone)
    }

    enum Insertion { case inserted, taken, tooMany }

    /// Adds an upload where the workspace has none of these bytes.
    /// - Parameter limit: the workspace's uploads that are not done; two that come at once may pass it together.
    func insert(_ row: UploadRow, by caller: Caller, in workspace: Workspace, limit: Int) async throws -> Insertion {
        let answer = try await pool.query(
            """
            WITH begun AS (
                SELECT count(*) AS count FROM (
                    SELECT FROM registry.uploads WHERE workspace = \(PostgresUUID(workspace.id)) AND NOT done LIMIT \(limit)
                ) AS unfinished),
            added AS (
                INSERT INTO registry.uploads (id, workspace, digest, size, by)
                SELECT \(row.id.description), \(PostgresUUID(workspace.id)), \(row.digest.bytes), \(row.size),
                    \(caller.actor)
                FROM begun WHERE count < \(limit)
                ON CONFLICT DO NOTHING RETURNING id)
            SELECT (SELECT count(*) FROM added), (SELECT count FROM begun)
            """
        ).all((Int, Int).self)
        guard let (added, begun) = answer.first else { return .taken }
        return added > 0 ? .inserted : begun >= limit ? .tooMany : .taken
    }

    /// Puts another upload in the place of one that is of no use.
    func replace(_ old: BlobUploadID, with row: UploadRow, by caller: Caller, in workspace: Workspace) async throws
        -> Bool
    {
        try await pool.execute(
            """
            UPDATE registry.uploads SET id = \(row.id.description), size = \(row.size), by = \(caller.actor), created = now(),
                updated = now(), done = false
            WHERE workspace = \(PostgresUUID(workspace.id)) AND id = \(old.description)
            """) == 1
    }

    /// Records that the workspace has these bytes, whose blob the caller has pinned. The row may have been removed as
    /// abandoned, or replaced, while the bytes still came.
    func done(
        _ digest: BlobDigest, size: Int64, id: BlobUploadID, by caller: Caller, in workspace: Workspace
    ) async throws -> BlobUploadID {
        let ids = try await pool.query(
            """
            INSERT INTO registry.uploads (id, workspace, digest, size, by, done)
            VALUES (\(id.description), \(PostgresUUID(workspace.id)), \(digest.bytes), \(size), \(caller.actor), true)
            ON CONFLICT (workspace, digest) DO UPDATE SET done = true, size = excluded.size, updated = now()
            RETURNING id
            """
        ).all(String.self)
        return ids.first.flatMap { BlobUploadID($0) } ?? id
    }

    /// The same of many. In the digests' order, so that two who bring the same never wait for each other in a circle.
    func done(_ blobs: [BlobInfo], by caller: Caller, in workspace: Workspace) async throws {
        let blobs = Set(blobs).sorted { $0.digest < $1.digest }
        try await pool.execute(
            """
            INSERT INTO registry.uploads (id, workspace, digest, size, by, done)
            SELECT given.id, \(PostgresUUID(workspace.id)), given.digest, given.size, \(caller.actor), true
            FROM unnest(\(blobs.map { _ in BlobUploadID().description }), \(blobs.map(\.digest.bytes)), \(blobs.map(\.size)))
                WITH ORDINALITY AS given (id, digest, size, place)
            ORDER BY given.place
            ON CONFLICT (workspace, digest) DO UPDATE SET done = true, size = excluded.size, updated = now()
            """)
    }

    /// Removes an upload that is not done; false where there is none such.
    @discardableResult
    func remove(_ id: BlobUploadID, in workspace: Workspace) async throws -> Bool {
        try await pool.execute(
            """
            DELETE FROM registry.uploads
            WHERE workspace = \(PostgresUUID(workspace.id)) AND id = \(id.description) AND NOT done
            """) == 1
    }
}
