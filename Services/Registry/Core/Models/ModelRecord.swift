import ResourceKit
import Contracts
import Postgres
import Protobuf

/// A row of `models` with its aliases.
struct ModelRecord {
    let message: Slipway.Models.V1.Model

    /// The columns that `init` reads, of `m`. The aliases come as arrays that go together.
    static var columns: PostgresQuery {
        """
        m.name, m.description, m.tags, m.latest_version, m.version_count, m.created, m.updated, m.revision,
        a.names, a.versions, a.times, a.actors, a.reasons, a.revisions
        """
    }

    static var tables: PostgresQuery {
        """
        registry.models AS m CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(alias ORDER BY alias), '{}') AS names,
                coalesce(array_agg(version ORDER BY alias), '{}') AS versions,
                coalesce(array_agg(set_at ORDER BY alias), '{}') AS times,
                coalesce(array_agg(set_by ORDER BY alias), '{}') AS actors,
                coalesce(array_agg(reason ORDER BY alias), '{}') AS reasons,
                coalesce(array_agg(revision ORDER BY alias), '{}') AS revisions
            FROM registry.aliases WHERE model = m.id
        ) AS a
        """
    }

    init(_ row: PostgresRow) throws {
        let columns = try row.decode(
            (
                String, String, PostgresJSON, Int32?, Int32, PostgresTimestamp, PostgresTimestamp, Int64, [String],
                [Int32],
                [PostgresTimestamp], [String], [String], [Int64]
            ).self)
        var model = Slipway.Models.V1.Model()
        model.name = columns.0
        model.description = columns.1
        model.tags = try RowJSON.strings(columns.2)
        model.latestVersion = columns.3
        model.versionCount = columns.4
        model.createdAt = Google.Protobuf.Timestamp(columns.5)
        model.updatedAt = Google.Protobuf.Timestamp(columns.6)
        model.revision = columns.7
        for (pointer, (time, (who, revision))) in zip(
            zip(columns.8, columns.9), zip(columns.10, zip(zip(columns.11, columns.12), columns.13)))
        {
            model.aliases.append(
                Slipway.Models.V1.Alias(
                    name: pointer.0, version: pointer.1, setAt: Google.Protobuf.Timestamp(time), setBy: who.0,
                    reason: who.1, revision: revision))
        }
        message = model
    }
}
