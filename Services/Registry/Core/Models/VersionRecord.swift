import ResourceKit
import Blobs
import Contracts
import Postgres
import Protobuf

/// A row of `versions` with what belongs to it, read by place: rows come by the thousand.
struct VersionRecord {
    let id: Int64
    private(set) var message: Slipway.Models.V1.ModelVersion
    /// False where the facts were too large to be read with many others; `take` adds them.
    let hasFacts: Bool

    /// The columns that `init` reads, of `v` and its file set `s`.
    static var columns: PostgresQuery { columns(facts: "v.facts") }

    /// The same of many versions: a thousand samples of megabytes must not be in memory at once.
    static var columnsOfMany: PostgresQuery {
        columns(facts: "CASE WHEN octet_length(v.facts) <= 65536 THEN v.facts ELSE '\\x00' END")
    }

    private static func columns(facts: PostgresQuery) -> PostgresQuery {
        """
        v.id, v.name, v.version, v.description, v.size, s.digest, \(facts), v.license, v.tags, v.properties, v.metrics,
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
        // A lone zero is no message, and stands for one that was too large.
        hasFacts = row.6 != [0]
        var version = try Slipway.Models.V1.ModelVersion(serialized: hasFacts ? row.6 : [])
        version.model = row.1
        version.version = row.2
        version.uri = "models:/\(row.1)/\(row.2)"
        version.description = row.3
        version.sizeBytes = row.4
        version.digest = VersionRecord.digestText(row.5)
        version.license = row.7
        try RowJSON.read(tags: row.8, properties: row.9, metrics: row.10, into: &version)
        version.createdBy = row.11
        version.createdAt = Google.Protobuf.Timestamp(row.12)
        version.updatedAt = Google.Protobuf.Timestamp(row.13)
        version.deletedAt = row.14.map { Google.Protobuf.Timestamp($0) }
        version.revision = row.15
        version.aliases = row.16
        message = version
    }

    /// Adds what was too large to be read with many others.
    mutating func take(facts: [UInt8]) throws {
        let facts = try Slipway.Models.V1.ModelVersion(serialized: facts)
        message.format = facts.format
        message.signature = facts.signature
        message.origin = facts.origin
        message.warnings = facts.warnings
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
