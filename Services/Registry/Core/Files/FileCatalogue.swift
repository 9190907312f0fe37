import ResourceKit
import Access
import Blobs
import Identity
import Postgres
import RPC

/// A version that was found.
struct FileVersion: Sendable, CustomStringConvertible {
    let name: String
    let version: Int32
    let fileSet: Int64
    /// Of all its files.
    let digest: BlobDigest

    var description: String { "\(name):\(version)" }
}

/// One file of a version.
struct FileEntry: Sendable {
    let path: String
    let digest: BlobDigest
    let size: Int64
}

/// What the tables say of files.
struct FileCatalogue: Sendable {
    let pool: PostgresPool

    /// No join: a plan that was made while the tables were small would go through all files of the workspace for each.
    /// Which of these a version or a done upload of the workspace has. Whether the bytes are there is the store's to say.
    func known(_ digests: [BlobDigest], in workspace: Workspace) async throws -> Set<BlobDigest> {
        try await self.digests(
            """
            SELECT d.digest FROM unnest(\(digests.map(\.bytes))) AS d (digest)
            WHERE EXISTS (
                SELECT FROM registry.files AS f WHERE f.digest = d.digest
                AND (SELECT s.workspace FROM registry.file_sets AS s WHERE s.id = f.file_set) = \(PostgresUUID(workspace.id)))
            OR EXISTS (
                SELECT FROM registry.uploads AS u
                WHERE u.workspace = \(PostgresUUID(workspace.id)) AND u.digest = d.digest AND u.done)
            """)
    }

    /// Which of these any set of files or done upload has, in whatever workspace.
    func referenced(_ digests: [BlobDigest]) async throws -> Set<BlobDigest> {
        try await self.digests(
            """
            SELECT d.digest FROM unnest(\(digests.map(\.bytes))) AS d (digest)
            WHERE EXISTS (SELECT FROM registry.files AS f WHERE f.digest = d.digest)
            OR EXISTS (SELECT FROM registry.uploads AS u WHERE u.digest = d.digest AND u.done)
            """)
    }

    private func digests(_ query: PostgresQuery) async throws -> Set<BlobDigest> {
        Set(try await pool.read(query).all([UInt8].self).compactMap { BlobDigest(bytes: $0) })
    }

    /// Nil where there is none.
    /// - Throws: `RPCError` `notFound` where it is deleted.
    func version(_ name: VersionReference, in workspace: Workspace) async throws -> FileVersion? {
        let number: PostgresQuery =
            switch name.which {
            case .number(let number): "\(number)"
            case .latest: "m.latest_version"
            case .alias(let alias):
                "(SELECT a.version FROM registry.aliases AS a WHERE a.model = m.id AND a.alias = \(alias))"
            }
        let found = try await pool.read(
            """
            SELECT v.version, v.file_set, s.digest, v.deleted IS NOT NULL
            FROM registry.models AS m JOIN registry.versions AS v ON v.model = m.id AND v.version = \(number)
            JOIN registry.file_sets AS s ON s.id = v.file_set
            WHERE m.workspace = \(PostgresUUID(workspace.id)) AND m.name = \(name.name)
            """
        ).all((Int32, Int64, [UInt8], Bool).self)
        guard let (version, fileSet, bytes, isDeleted) = found.first, let digest = BlobDigest(bytes: bytes) else {
            return nil
        }
        guard !isDeleted else { throw FileError.deleted(name.name, version) }
        return FileVersion(name: name.name, version: version, fileSet: fileSet, digest: digest)
    }

    /// - Throws: `RPCError` `notFound`.
    func file(_ path: String, of version: FileVersion) async throws -> FileEntry {
        // PostgreSQL has no text with a zero in it.
        guard !path.utf8.contains(0) else { throw FileError.noFile(path, of: version) }
        let found = try await pool.read(
            "SELECT path, digest, size FROM registry.files WHERE file_set = \(version.fileSet) AND path = \(path)"
        ).all((String, [UInt8], Int64).self)
        guard let entry = found.lazy.compactMap(FileEntry.init).first else {
            throw FileError.noFile(path, of: version)
        }
        return entry
    }

    /// By path.
    func files(of version: FileVersion) async throws -> [FileEntry] {
        try await pool.read(
            "SELECT path, digest, size FROM registry.files WHERE file_set = \(version.fileSet) ORDER BY path"
        ).all((String, [UInt8], Int64).self).compactMap(FileEntry.init)
    }
}

extension FileEntry {
    /// Nil where the digest is none, which the table's check excludes.
    fileprivate init?(_ row: (path: String, digest: [UInt8], size: Int64)) {
        guard let digest = BlobDigest(bytes: row.digest) else { return nil }
        self.init(path: row.path, digest: digest, size: row.size)
    }
}
