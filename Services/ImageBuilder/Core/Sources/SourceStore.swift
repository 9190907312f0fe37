internal import Access
public import Blobs
internal import Contracts
public import Postgres
internal import RPC
internal import Journal
internal import ResourceKit
internal import Tar

/// Source trees of workspaces: taken in, found again by their digest.
public struct SourceStore: Sendable {
    static let textBytesMax = 4 << 20

    let pool: PostgresPool
    let blobs: any BlobStore
    let limits: SourceLimits

    public init(_ pool: PostgresPool, blobs: any BlobStore, limits: SourceLimits = SourceLimits()) {
        self.pool = pool
        self.blobs = blobs
        self.limits = limits
    }

    /// Takes in a tree that comes as a tar archive.
    /// - Throws: `RPCError`: `invalidArgument` for what is no archive, or holds what a tree can't; `resourceExhausted` over a
    ///   limit. `BlobError`, `PostgresError`.
    func take(
        _ requests: RequestStream<Slipway.Images.V1.UploadSourceRequest>, by change: ImageChange
    ) async throws -> Slipway.Images.V1.SourceTree {
        var intake = SourceIntake(into: blobs, limits: limits)
        let tree: SourceTree
        do {
            for try await request in requests { try await intake.take(request.data) }
            tree = try await intake.finish()
        } catch {
            await intake.abandon()
            switch error {
            case let error as SourceFault where error.code == .tooLarge:
                throw RPCError(.resourceExhausted, "the source tree is too large: \(error)")
            case let error as SourceFault: throw RPCError.badRequest(field: "data", "\(error)")
            case let error as BlobError where error.code == .outOfSpace:
                throw RPCError(.resourceExhausted, "the builder's disk is full")
            case let error as TarError: throw RPCError.badRequest(field: "data", "\(error)")
            default: throw error
            }
        }
        try await record(tree, by: change)
        return Slipway.Images.V1.SourceTree(
            digest: "\(tree.digest)", files: Int32(tree.files.count), sizeBytes: tree.size)
    }

    private func record(_ tree: SourceTree, by change: ImageChange) async throws {
        try await pool.transaction { transaction in
            let known = try await transaction.query(
                """
                UPDATE images.sources SET touched = now()
                WHERE workspace = \(change.workspaceID) AND digest = \(tree.digest.bytes)
                """
            ).affectedRows
            guard known == 0 else { return }
            let ids = try await transaction.query(
                """
                INSERT INTO images.sources AS s (workspace, digest, size, file_count)
                VALUES (\(change.workspaceID), \(tree.digest.bytes), \(tree.size), \(tree.files.count)::integer)
                ON CONFLICT (workspace, digest) DO UPDATE SET touched = now()
                RETURNING CASE WHEN xmax = 0 THEN id END
                """
            ).all(Int64?.self)
            // Somebody brought the same at the same moment, and was first.
            guard let id = ids.first ?? nil else { return }
            try await transaction.execute(
                """
                INSERT INTO images.source_files (source, path, digest, size, executable)
                SELECT \(id), f.path, f.digest, f.size, f.executable
                FROM unnest(\(tree.files.map(\.path)), \(tree.files.map(\.digest.bytes)), \(tree.files.map(\.size)),
                    \(tree.files.map(\.isExecutable))) AS f (path, digest, size, executable)
                """)
            try await Journal.append(
                change.change.journalEntry(
                    "source.uploaded", "sources/\(tree.digest)",
                    after: RowJSON.members([("files", "\(tree.files.count)"), ("size", "\(tree.size)")])),
                in: transaction)
        }
    }

    /// A tree with its files; nil where the workspace has none of that digest.
    func tree(_ digest: BlobDigest, in workspace: PostgresUUID) async throws -> SourceTree? {
        let rows = try await pool.read(
            """
            SELECT f.path, f.digest, f.size, f.executable FROM images.sources AS s
            JOIN images.source_files AS f ON f.source = s.id
            WHERE s.workspace = \(workspace) AND s.digest = \(digest.bytes) ORDER BY f.path
            """
        ).all((String, [UInt8], Int64, Bool).self)
        guard !rows.isEmpty else { return nil }
        let files = rows.compactMap { path, bytes, size, isExecutable in
            BlobDigest(bytes: bytes).map {
                TreeFile(path: path, digest: $0, size: size, isExecutable: isExecutable)
            }
        }
        return SourceTree(digest: digest, files: files)
    }

    /// A text of a tree.
    /// - Throws: `BuildFailure` where it is none, or too long to be one.
    func text(_ file: TreeFile) async throws -> String {
        guard file.size <= Int64(Self.textBytesMax) else {
            throw BuildFailure("source.text", "\(file.path) has \(file.size) bytes; \(Self.textBytesMax) at most")
        }
        let bytes = try await blobs.withBlob(file.digest) { try await $0.verifiedBytes(upTo: Self.textBytesMax) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw BuildFailure("source.text", "\(file.path) is no text in UTF-8")
        }
        return text
    }
}
