public import ResourceKit
public import Contracts
import Journal
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// Deletes a version so that it can be restored, and takes the aliases off that point to it, as users of MLflow are
    /// used to; their history says so. A version that is deleted already stays as it is.
    /// - Throws: `RPCError`: `invalidArgument` for an alias, `notFound`, `failedPrecondition` naming who uses it.
    public func delete(
        _ request: Slipway.Models.V1.DeleteVersionRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let reference = try RegistryStore.numbered(request.version, request.reason)
        return try await pool.transaction { transaction in
            let locked = try await lock(reference, withModel: true, in: change.workspace, transaction)
            guard locked.message.deletedAt == nil else { return locked.message }
            try await refuseUsed(locked, "deleted", transaction)
            var statements: [PostgresQuery] = [
                "UPDATE registry.versions SET deleted = now(), updated = now(), revision = revision + 1 WHERE id = \(locked.id)"
            ]
            for alias in locked.message.aliases {
                statements += RegistryStore.removal(
                    of: alias, "\(locked.message.model)@\(alias)", model: locked.model, change,
                    reason: "\(locked.name) was deleted")
            }
            statements.append(RegistryStore.refresh(model: locked.model))
            statements.append(
                Journal.insertion(change.entry("deleted", locked.message.subject), from: "(VALUES (1)) AS once"))
            return try await finish(statements, locked, transaction)
        }
    }

    /// Takes a deletion back. A version that is not deleted stays as it is.
    /// - Throws: `RPCError`: `invalidArgument` for an alias, `notFound`.
    public func restore(
        _ request: Slipway.Models.V1.RestoreVersionRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let reference = try RegistryStore.numbered(request.version, request.reason)
        return try await pool.transaction { transaction in
            let locked = try await lock(reference, withModel: true, in: change.workspace, transaction)
            guard locked.message.deletedAt != nil else { return locked.message }
            let statements: [PostgresQuery] = [
                "UPDATE registry.versions SET deleted = NULL, updated = now(), revision = revision + 1 WHERE id = \(locked.id)",
                RegistryStore.refresh(model: locked.model),
                Journal.insertion(change.entry("restored", locked.message.subject), from: "(VALUES (1)) AS once"),
            ]
            return try await finish(statements, locked, transaction)
        }
    }

    /// Removes a deleted version for good. Its number is never given again; its files go with the next collection, where no
    /// other version has them.
    /// - Throws: `RPCError`: `invalidArgument` for an alias, `notFound`, `failedPrecondition` where it is not deleted, or
    ///   used.
    public func purge(_ request: Slipway.Models.V1.PurgeVersionRequest, by change: RegistryChange) async throws {
        let reference = try RegistryStore.numbered(request.version, request.reason)
        try await pool.transaction { transaction in
            let locked = try await lock(reference, withModel: true, in: change.workspace, transaction)
            guard locked.message.deletedAt != nil else {
                throw Refusal.precondition(
                    "\(locked.name) is not deleted: delete it first, then purge it",
                    [
                        Refusal.Unmet(
                            type: "NOT_DELETED", subject: locked.message.subject,
                            description: "only a deleted version can be purged")
                    ])
            }
            try await refuseUsed(locked, "purged", transaction)
            // The set is locked before it is asked who has it: a registration of the same files holds it too.
            _ = try await transaction.pipeline([
                "SELECT FROM registry.file_sets WHERE id = \(locked.fileSet) FOR UPDATE",
                "DELETE FROM registry.versions WHERE id = \(locked.id)",
                """
                DELETE FROM registry.file_sets AS s WHERE id = \(locked.fileSet)
                    AND NOT EXISTS (SELECT FROM registry.versions AS v WHERE v.file_set = s.id)
                """,
                RegistryStore.refresh(model: locked.model),
                Journal.insertion(
                    change.entry(
                        "purged", locked.message.subject, before: RegistryStore.state(locked.message)),
                    from: "(VALUES (1)) AS once"),
            ])
        }
    }

    private func finish(
        _ statements: [PostgresQuery], _ locked: LockedVersion, _ transaction: PostgresTransaction
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let rows = try await transaction.pipeline(
            statements + ["SELECT \(VersionRecord.columns) FROM \(VersionRecord.tables) WHERE v.id = \(locked.id)"])
        guard let row = try rows.last?.all(VersionRecord.Row.self).first else { return locked.message }
        return try VersionRecord(row).message
    }

    /// - Throws: `failedPrecondition` naming the images and deployments that use the version.
    private func refuseUsed(
        _ version: LockedVersion, _ verb: String, _ transaction: PostgresTransaction
    ) async throws {
        let users = try await transaction.query(
            """
            SELECT u."user", u.kind, u.state FROM registry.uses AS s
            JOIN registry.users AS u ON u.workspace = s.workspace AND u."user" = s."user"
            WHERE s.version = \(version.id) ORDER BY u.kind DESC, u."user"
            """
        ).all((String, String, String).self)
        guard !users.isEmpty else { return }
        let named = users.prefix(5).map(\.0).joined(separator: ", ")
        let rest = users.count > 5 ? " and \(users.count - 5) more" : ""
        throw Refusal.precondition(
            "\(version.name) can't be \(verb): \(named)\(rest) \(users.count == 1 ? "uses" : "use") it",
            users.map { user, kind, state in
                Refusal.Unmet(
                    type: "IN_USE", subject: user,
                    description: "the \(kind)\(state.isEmpty ? "" : " (\(state))") uses \(version.name)")
            })
    }

    private static func numbered(_ text: String, _ reason: String) throws(RPCError) -> VersionReference {
        let reference = try VersionReference(text)
        var violations = FieldViolations()
        if case .number = reference.which {
        } else {
            violations.add(
                "version",
                "\(reference.text) may point elsewhere by the time that it is looked at: name the version by its number"
            )
        }
        violations.check(reason: reason)
        try violations.check()
        return reference
    }
}
