import ResourceKit
import Access
import Contracts
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// A version as it was at a time: what can change comes from the journal and the history of the aliases.
    func version(
        _ reference: VersionReference, at time: PostgresTimestamp, _ includeDeleted: Bool, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.ModelVersion {
        guard let number = try await number(of: reference, at: time, in: workspace) else {
            throw Refusal.notFound(
                "version", "models/\(reference.text)", "\(reference.text) pointed to no version at \(time)")
        }
        let exact = VersionReference(name: reference.name, which: .number(number))
        guard var version = try await find(exact, in: workspace) else {
            throw try await missing(exact, in: workspace)
        }
        if let created = version.createdAt.flatMap({ PostgresTimestamp($0) }), created > time {
            throw Refusal.notFound(
                "version", version.subject,
                "\(exact.text) was registered at \(created), which is after \(time)")
        }
        try await restore(&version, to: time, in: workspace)
        if let deleted = version.deletedAt, !includeDeleted { throw RegistryStore.deleted(version, deleted) }
        return version
    }

    private func number(
        of reference: VersionReference, at time: PostgresTimestamp, in workspace: Workspace
    ) async throws -> Int32? {
        switch reference.which {
        case .number(let number): return number
        case .alias(let alias):
            let found = try await pool.read(
                """
                SELECT c.version FROM registry.alias_changes AS c JOIN registry.models AS m ON m.id = c.model
                WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name) AND c.alias = \(alias)
                    AND c.at <= \(time) ORDER BY c.id DESC LIMIT 1
                """
            ).all(Int32?.self)
            return found.first ?? nil
        case .latest:
            let found = try await pool.read(
                """
                SELECT v.version FROM registry.versions AS v
                WHERE v.workspace = \(workspace.databaseID) AND v.name = \(reference.name) AND v.created <= \(time)
                    AND (
                        SELECT e.action FROM journal.entries AS e
                        WHERE e.subject = 'models/' || v.name || ':' || v.version AND e.workspace = \(workspace.name)
                            AND e.action IN ('model.registered', 'model.deleted', 'model.restored') AND e.at <= \(time)
                        ORDER BY e.id DESC LIMIT 1) IS DISTINCT FROM 'model.deleted'
                ORDER BY v.version DESC LIMIT 1
                """
            ).all(Int32.self)
            return found.first
        }
    }

    private func restore(
        _ version: inout Slipway.Models.V1.ModelVersion, to time: PostgresTimestamp, in workspace: Workspace
    ) async throws {
        let subject = version.subject
        let states = try await pool.read(
            """
            SELECT at, after->>'description', after->'tags', after->'properties', after->'metrics'
            FROM journal.entries
            WHERE subject = \(subject) AND workspace = \(workspace.name) AND at <= \(time)
                AND action IN ('model.registered', 'model.updated')
            ORDER BY id DESC LIMIT 1
            """
        ).all((PostgresTimestamp, String, PostgresJSON, PostgresJSON, PostgresJSON).self)
        if let (at, description, tags, properties, metrics) = states.first {
            version.description = description
            try RowJSON.read(tags: tags, properties: properties, metrics: metrics, into: &version)
            version.updatedAt = Google.Protobuf.Timestamp(at)
        }
        let ends = try await pool.read(
            """
            SELECT at, action FROM journal.entries
            WHERE subject = \(subject) AND workspace = \(workspace.name) AND at <= \(time)
                AND action IN ('model.deleted', 'model.restored')
            ORDER BY id DESC LIMIT 1
            """
        ).all((PostgresTimestamp, String).self)
        version.deletedAt = ends.first.flatMap { at, action in
            action == "model.deleted" ? Google.Protobuf.Timestamp(at) : nil
        }
        version.aliases = try await pool.read(
            """
            SELECT alias FROM (
                SELECT DISTINCT ON (c.alias) c.alias, c.version
                FROM registry.alias_changes AS c JOIN registry.models AS m ON m.id = c.model
                WHERE m.workspace = \(workspace.databaseID) AND m.name = \(version.model) AND c.at <= \(time)
                ORDER BY c.alias, c.id DESC
            ) AS last WHERE version = \(version.version) ORDER BY alias
            """
        ).all(String.self)
    }
}
