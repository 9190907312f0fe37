public import ResourceKit
public import Contracts
import Journal
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// Changes the description or the tags of a model.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted` where the revision is another by now.
    public func update(
        _ request: Slipway.Models.V1.UpdateModelRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.Model {
        var violations = FieldViolations()
        violations.check(model: request.name)
        violations.check(text: request.description ?? "", "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.setTags, "set_tags")
        violations.check(reason: request.reason)
        violations.check(set: request.setTags, remove: request.removeTags)
        try violations.check()
        return try await pool.transaction { transaction in
            let id = try await lock(model: request.name, in: change.workspace, transaction)
            let rows = try await transaction.query(
                "SELECT \(ModelRecord.columns) FROM \(ModelRecord.tables) WHERE m.id = \(id)")
            guard let row = rows.first else { throw try await missing(model: request.name, in: change.workspace) }
            var model = try ModelRecord(row).message
            let before = RegistryStore.state(model)
            if let expected = request.expectedRevision, expected != model.revision {
                throw Refusal.changed("models/\(model.name)", expected: expected, found: model.revision)
            }
            model.description = request.description ?? model.description
            model.tags = try Labels.changed(model.tags, request.setTags, request.removeTags, "set_tags")
            let after = RegistryStore.state(model)
            guard after != before else { return model }
            let updated = try await transaction.pipeline([
                """
                UPDATE registry.models SET description = \(model.description),
                    tags = \(PostgresJSON(RowJSON.object(model.tags))), updated = now(), revision = revision + 1
                WHERE id = \(id) RETURNING updated, revision
                """,
                Journal.insertion(
                    change.entry("updated", "models/\(model.name)", before: before, after: after),
                    from: "(VALUES (1)) AS once"),
            ])
            if let (time, revision) = try updated.first?.all((PostgresTimestamp, Int64).self).first {
                model.updatedAt = Google.Protobuf.Timestamp(time)
                model.revision = revision
            }
            return model
        }
    }

    /// Changes description, tags and metrics of a version, and adds to its properties.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted` where the revision is another by now,
    ///   `alreadyExists` where a property has another value.
    public func update(
        _ request: Slipway.Models.V1.UpdateVersionRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let reference = try VersionReference(request.version)
        var violations = FieldViolations()
        violations.check(text: request.description ?? "", "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.setTags, "set_tags")
        violations.check(labels: request.addProperties, "add_properties")
        violations.check(metrics: request.setMetrics, "set_metrics")
        violations.check(reason: request.reason)
        violations.check(set: request.setTags, remove: request.removeTags)
        try violations.check()
        return try await pool.transaction { transaction in
            let locked = try await lock(reference, withModel: false, in: change.workspace, transaction)
            var version = locked.message
            if let deleted = version.deletedAt { throw RegistryStore.deleted(version, deleted) }
            let before = RegistryStore.state(version)
            if let expected = request.expectedRevision, expected != version.revision {
                throw Refusal.changed(version.subject, expected: expected, found: version.revision)
            }
            try RegistryStore.apply(request, to: &version)
            let after = RegistryStore.state(version)
            guard after != before else { return version }
            let metrics = request.setMetrics.sorted { $0.key < $1.key }
            let updated = try await transaction.pipeline([
                """
                UPDATE registry.versions SET description = \(version.description),
                    tags = \(PostgresJSON(RowJSON.object(version.tags))),
                    properties = \(PostgresJSON(RowJSON.object(version.properties))),
                    metrics = \(PostgresJSON(RowJSON.object(version.metrics))),
                    updated = now(), revision = revision + 1
                WHERE id = \(locked.id) RETURNING updated, revision
                """,
                """
                INSERT INTO registry.metrics (version, workspace, key, value)
                SELECT \(locked.id), \(change.workspaceID), given.key, given.value
                FROM unnest(\(metrics.map(\.key)), \(metrics.map(\.value))) AS given (key, value)
                ON CONFLICT (version, key) DO UPDATE SET value = excluded.value
                """,
                Journal.insertion(
                    change.entry("updated", version.subject, before: before, after: after),
                    from: "(VALUES (1)) AS once"),
            ])
            if let (time, revision) = try updated.first?.all((PostgresTimestamp, Int64).self).first {
                version.updatedAt = Google.Protobuf.Timestamp(time)
                version.revision = revision
            }
            return version
        }
    }

    private static func apply(
        _ request: Slipway.Models.V1.UpdateVersionRequest, to version: inout Slipway.Models.V1.ModelVersion
    ) throws(RPCError) {
        version.description = request.description ?? version.description
        version.tags = try Labels.changed(version.tags, request.setTags, request.removeTags, "set_tags")
        for (key, value) in request.addProperties.sorted(by: { $0.key < $1.key }) {
            if let there = version.properties[key], there != value {
                throw .reason(
                    .alreadyExists,
                    "the property \(shown(key)) of \(version.model):\(version.version) is \(shown(there)) and stays so: "
                        + "properties can be added, not changed; a tag can be changed",
                    reason: "PROPERTY_STAYS", domain: "slipway", metadata: ["property": key])
            }
            version.properties[key] = value
        }
        version.metrics.merge(request.setMetrics) { _, new in new }
        var violations = FieldViolations()
        if version.properties.count > TextLimits.labelsMax {
            violations.add("add_properties", "there would be \(version.properties.count); 100 at most")
        }
        if version.metrics.count > RegistryLimits.metricsMax {
            violations.add("set_metrics", "there would be \(version.metrics.count); 1,000 at most")
        }
        try violations.check()
    }

    /// What can change, for the journal: whole, so that a time in the past needs one row.
    static func state(_ version: Slipway.Models.V1.ModelVersion) -> String {
        RowJSON.members([
            ("description", RowJSON.text(version.description)), ("tags", RowJSON.object(version.tags)),
            ("properties", RowJSON.object(version.properties)),
            ("metrics", RowJSON.object(version.metrics)),
        ])
    }

    static func state(_ model: Slipway.Models.V1.Model) -> String {
        RowJSON.members([
            ("description", RowJSON.text(model.description)), ("tags", RowJSON.object(model.tags)),
        ])
    }
}
