import Blobs
import Contracts
import Postgres
import Protobuf

/// A row of `versions` with what belongs to it, read by place: rows come by the thousand.
struct VersionRecord {
    let id: Int64
    let message: Slipway.Models.V1.ModelVersion

    /// The columns that `init` reads, of `v` and its file set `s`.
    static var columns: PostgresQuery {
        """
        v.id, v.name, v.version, v.description, v.size, s.digest, v.facts, v.license, v.tags, v.properties, v.metrics,
        v.created_by, v.created, v.updated, v.deleted, v.revision, ARRAY(
            SELECT a.alias FROM registry.aliases AS a
            WHERE a.model = v.model AND a.version = v.version ORDER BY a.alias)
        """
    }

    static var tables: PostgresQuery {
        "registry.versions AS v JOIN registry.file_sets AS s ON s.id = v.file_set"
    }

    typealias Row = (
        Int64, String, Int32, String, Int64, [UInt8], [UInt8], String, PostgresJSON, PostgresJSON, PostgresJSON, String,
        PostgresTimestamp, PostgresTimestamp, PostgresTimestamp?, Int64, [String]
    )

    init(_ row: Row) throws {
        id = row.0
        var version = try Slipway.Models.V1.ModelVersion(serialized: row.6)
        version.model = row.1
        version.version = row.2
        version.uri = "models:/\(row.1)/\(row.2)"
        version.description = row.3
        version.sizeBytes = row.4
        version.digest = VersionRecord.digestText(row.5)
        version.license = row.7
        try RegistryJSON.read(tags: row.8, properties: row.9, metrics: row.10, into: &version)
        version.createdBy = row.11
        version.createdAt = Google.Protobuf.Timestamp(row.12)
        version.updatedAt = Google.Protobuf.Timestamp(row.13)
        version.deletedAt = row.14.map { Google.Protobuf.Timestamp($0) }
        version.revision = row.15
        version.aliases = row.16
        message = version
    }

    /// A row with one more column, the keys of its place.
    static func found(_ row: PostgresRow) throws -> (VersionRecord, keys: [String]) {
        let all = try row.decode(
            (
                Int64, String, Int32, String, Int64, [UInt8], [UInt8], String, PostgresJSON, PostgresJSON, PostgresJSON,
                String, PostgresTimestamp, PostgresTimestamp, PostgresTimestamp?, Int64, [String], [String]
            ).self)
        let record = try VersionRecord(
            (
                all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7, all.8, all.9, all.10, all.11, all.12, all.13,
                all.14, all.15, all.16
            ))
        return (record, all.17)
    }

    static func digestText(_ bytes: [UInt8]) -> String { BlobDigest(bytes: bytes).map { "\($0)" } ?? "" }
}
