public import ResourceKit
public import Access
public import Contracts
import Journal
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// Makes an alias point to a version: this is how one is promoted. An alias that points there already stays as it is.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted` where the alias' revision is another by now.
    public func setAlias(
        _ request: Slipway.Models.V1.SetAliasRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.Alias {
        let reference = try VersionReference(request.version)
        var violations = FieldViolations()
        violations.check(alias: request.alias, "alias")
        violations.check(reason: request.reason)
        try violations.check()
        return try await pool.transaction { transaction in
            // Who sets an alias holds its model: of two, one comes second and sees what the first did.
            let locked = try await lock(reference, withModel: true, in: change.workspace, transaction)
            if let deleted = locked.message.deletedAt { throw RegistryStore.deleted(locked.message, deleted) }
            let before = try await alias(request.alias, of: locked.model, transaction)
            let subject = "models/\(reference.name)@\(request.alias)"
            if let expected = request.expectedRevision, expected != before?.revision ?? 0 {
                throw Refusal.changed(subject, expected: expected, found: before?.revision ?? 0)
            }
            if let before, before.version == locked.message.version { return before }
            let rows = try await transaction.pipeline([
                """
                INSERT INTO registry.aliases AS a (model, alias, version, workspace, target, set_by, reason, revision)
                VALUES (\(locked.model), \(request.alias), \(locked.message.version), \(change.workspaceID), \(locked.id),
                    \(change.actor), \(change.reason),
                    (SELECT count(*) + 1 FROM registry.alias_changes
                        WHERE model = \(locked.model) AND alias = \(request.alias)))
                ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version, target = excluded.target,
                    set_at = now(), set_by = excluded.set_by, reason = excluded.reason, revision = a.revision + 1
                RETURNING alias, version, set_at, set_by, reason, revision
                """,
                """
                INSERT INTO registry.alias_changes (model, alias, version, by, reason)
                VALUES (\(locked.model), \(request.alias), \(locked.message.version), \(change.actor), \(change.reason))
                """,
                RegistryStore.refresh(model: locked.model),
                Journal.insertion(
                    change.entry(
                        "alias-set", subject, before: before.map { RegistryStore.state($0.name, $0.version) },
                        after: RegistryStore.state(request.alias, locked.message.version)),
                    from: "(VALUES (1)) AS once"),
            ])
            guard let row = rows.first?.first else {
                throw PostgresError(.usage, "an alias was set, and nothing came back")
            }
            return try RegistryStore.alias(row)
        }
    }

    /// Removes an alias. The version stays.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func deleteAlias(
        _ request: Slipway.Models.V1.DeleteAliasRequest, by change: RegistryChange
    ) async throws {
        var violations = FieldViolations()
        violations.check(model: request.name)
        violations.check(alias: request.alias, "alias")
        violations.check(reason: request.reason)
        try violations.check()
        try await pool.transaction { transaction in
            let model = try await lock(model: request.name, in: change.workspace, transaction)
            guard try await alias(request.alias, of: model, transaction) != nil else {
                throw try await missing(
                    VersionReference(name: request.name, which: .alias(request.alias)), in: change.workspace)
            }
            _ = try await transaction.pipeline(
                RegistryStore.removal(
                    of: request.alias, "\(request.name)@\(request.alias)", model: model, change, reason: change.reason)
                    + [RegistryStore.refresh(model: model)])
        }
    }

    /// Where an alias has pointed, the newest first; at most the last 1,000 changes.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func aliasHistory(
        _ request: Slipway.Models.V1.AliasHistoryRequest, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.AliasHistoryResponse {
        var violations = FieldViolations()
        violations.check(model: request.name)
        if !request.alias.isEmpty { violations.check(alias: request.alias, "alias") }
        try violations.check()
        let rows = try await pool.read(
            """
            SELECT c.alias, coalesce(c.version, 0), c.at, c.by, c.reason,
                (SELECT count(*) FROM registry.alias_changes AS e
                    WHERE e.model = c.model AND e.alias = c.alias AND e.id <= c.id)
            FROM registry.alias_changes AS c JOIN registry.models AS m ON m.id = c.model
            WHERE m.workspace = \(workspace.databaseID) AND m.name = \(request.name)
                AND (\(request.alias) = '' OR c.alias = \(request.alias))
            ORDER BY c.id DESC LIMIT 1000
            """)
        var response = Slipway.Models.V1.AliasHistoryResponse()
        response.changes = try rows.map(RegistryStore.alias)
        if response.changes.isEmpty, try await find(model: request.name, in: workspace) == nil {
            throw try await missing(model: request.name, in: workspace)
        }
        return response
    }

    /// What takes an alias off, with its history and its row of the journal.
    static func removal(
        of alias: String, _ name: String, model: Int64, _ change: RegistryChange, reason: String
    ) -> [PostgresQuery] {
        [
            """
            INSERT INTO registry.alias_changes (model, alias, by, reason)
            VALUES (\(model), \(alias), \(change.actor), \(reason))
            """,
            Journal.insertion(
                change.entry("alias-removed", "models/\(name)"),
                from: "registry.aliases WHERE model = \(model) AND alias = \(alias)"),
            "DELETE FROM registry.aliases WHERE model = \(model) AND alias = \(alias)",
        ]
    }

    private func alias(
        _ name: String, of model: Int64, _ transaction: PostgresTransaction
    ) async throws -> Slipway.Models.V1.Alias? {
        try await transaction.query(
            """
            SELECT alias, version, set_at, set_by, reason, revision FROM registry.aliases
            WHERE model = \(model) AND alias = \(name) FOR UPDATE
            """
        ).first.map(RegistryStore.alias)
    }

    private static func alias(_ row: PostgresRow) throws -> Slipway.Models.V1.Alias {
        let columns = try row.decode((String, Int32, PostgresTimestamp, String, String, Int64).self)
        return Slipway.Models.V1.Alias(
            name: columns.0, version: columns.1, setAt: Google.Protobuf.Timestamp(columns.2), setBy: columns.3,
            reason: columns.4, revision: columns.5)
    }

    private static func state(_ alias: String, _ version: Int32) -> String {
        RowJSON.members([("alias", RowJSON.text(alias)), ("version", "\(version)")])
    }
}
