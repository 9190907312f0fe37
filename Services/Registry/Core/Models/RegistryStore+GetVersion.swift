import ResourceKit
public import Access
public import Contracts
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// One version with its files.
    /// - Throws: `RPCError`: `invalidArgument` where the name is none, `notFound` saying what there is instead.
    public func version(
        _ request: Slipway.Models.V1.GetVersionRequest, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let reference = try VersionReference(request.version)
        if let time = request.asOf {
            guard let moment = PostgresTimestamp(time) else {
                throw RPCError.badRequest(field: "as_of", "it lies outside of the years 1 to 9999")
            }
            return try await version(reference, at: moment, request.includeDeleted, in: workspace)
        }
        guard let version = try await find(reference, in: workspace) else {
            throw try await missing(reference, in: workspace)
        }
        if let deleted = version.deletedAt, !request.includeDeleted {
            throw RegistryStore.deleted(version, deleted)
        }
        return version
    }

    static func deleted(
        _ version: Slipway.Models.V1.ModelVersion, _ time: Google.Protobuf.Timestamp
    ) -> RPCError {
        let when = PostgresTimestamp(time).map { " at \($0)" } ?? ""
        return Refusal.notFound(
            "version", version.subject,
            "\(version.model):\(version.version) was deleted\(when); ask with include_deleted to see it, or restore it")
    }

    /// With its files; also a deleted one, where it is named by its number.
    func find(
        _ reference: VersionReference, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.ModelVersion? {
        let place: PostgresQuery = "v.workspace = \(workspace.databaseID) AND v.name = \(reference.name)"
        switch reference.which {
        case .number(let number): return try await one("\(place) AND v.version = \(number)")
        case .latest:
            return try await one(
                """
                \(place) AND v.version = (
                    SELECT m.latest_version FROM registry.models AS m
                    WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name))
                """)
        case .alias(let alias):
            return try await one(
                """
                \(place) AND v.version = (
                    SELECT a.version FROM registry.aliases AS a JOIN registry.models AS m ON m.id = a.model
                    WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name) AND a.alias = \(alias))
                """)
        }
    }

    func version(id: Int64, in workspace: Workspace) async throws -> Slipway.Models.V1.ModelVersion? {
        try await one("v.workspace = \(workspace.databaseID) AND v.id = \(id)")
    }

    private func one(_ condition: PostgresQuery) async throws -> Slipway.Models.V1.ModelVersion? {
        // Both in one row, so that they are of one moment.
        let rows = try await pool.read(
            """
            SELECT \(VersionRecord.columns), f.paths, f.digests, f.sizes FROM \(VersionRecord.tables)
            CROSS JOIN LATERAL (
                SELECT array_agg(path ORDER BY path) AS paths, array_agg(digest ORDER BY path) AS digests,
                    array_agg(size ORDER BY path) AS sizes
                FROM registry.files WHERE file_set = v.file_set
            ) AS f WHERE \(condition)
            """)
        guard let row = rows.first else { return nil }
        let columns = try row.decode(
            (
                Int64, String, Int32, String, Int64, [UInt8], [UInt8], String, PostgresJSON, PostgresJSON, PostgresJSON,
                String, PostgresTimestamp, PostgresTimestamp, PostgresTimestamp?, Int64, [String], [String], [[UInt8]],
                [Int64]
            ).self)
        var version = try VersionRecord(
            (
                columns.0, columns.1, columns.2, columns.3, columns.4, columns.5, columns.6, columns.7, columns.8,
                columns.9, columns.10, columns.11, columns.12, columns.13, columns.14, columns.15, columns.16
            )
        ).message
        version.files = zip(zip(columns.17, columns.18), columns.19).map { file, size in
            Slipway.Models.V1.ModelFile(path: file.0, digest: VersionRecord.digestText(file.1), sizeBytes: size)
        }
        return version
    }
}
