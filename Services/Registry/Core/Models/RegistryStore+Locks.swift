import ResourceKit
import Access
import Contracts
import Postgres
import RPC

extension RegistryStore {
    /// A version while it is changed.
    struct LockedVersion {
        let id: Int64
        let model: Int64
        let fileSet: Int64
        var message: Slipway.Models.V1.ModelVersion

        var name: String { "\(message.model):\(message.version)" }
    }

    /// The version that is named by its number or otherwise, locked against every other change until the transaction ends.
    /// The model is locked first where its row will be changed too, so that two changes never wait for each other.
    func lock(
        _ reference: VersionReference, withModel: Bool, in workspace: Workspace, _ transaction: PostgresTransaction
    ) async throws -> LockedVersion {
        if withModel { _ = try await lock(model: reference.name, in: workspace, transaction) }
        let which: PostgresQuery =
            switch reference.which {
            case .number(let number): "\(number)"
            case .latest:
                """
                (SELECT m.latest_version FROM registry.models AS m
                    WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name))
                """
            case .alias(let alias):
                """
                (SELECT a.version FROM registry.aliases AS a JOIN registry.models AS m ON m.id = a.model
                    WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name) AND a.alias = \(alias))
                """
            }
        let ids = try await transaction.query(
            """
            SELECT v.id, v.model, v.file_set FROM registry.versions AS v
            WHERE v.workspace = \(workspace.databaseID) AND v.name = \(reference.name) AND v.version = \(which)
            FOR UPDATE
            """
        ).all((Int64, Int64, Int64).self)
        guard let (id, model, fileSet) = ids.first else { throw try await missing(reference, in: workspace) }
        // A statement of its own: it sees what was committed while this waited for the lock.
        let rows = try await transaction.query(
            "SELECT \(VersionRecord.columns) FROM \(VersionRecord.tables) WHERE v.id = \(id)"
        ).all(VersionRecord.Row.self)
        guard let row = rows.first else { throw try await missing(reference, in: workspace) }
        return LockedVersion(
            id: id, model: model, fileSet: fileSet, message: try VersionRecord(row).message)
    }

    /// The model's number in the database, its row locked until the transaction ends.
    func lock(
        model name: String, in workspace: Workspace, _ transaction: PostgresTransaction
    ) async throws -> Int64 {
        let ids = try await transaction.query(
            """
            SELECT id FROM registry.models WHERE workspace = \(workspace.databaseID) AND name = \(name)
            FOR NO KEY UPDATE
            """
        ).all(Int64.self)
        guard let id = ids.first else { throw try await missing(model: name, in: workspace) }
        return id
    }

    /// Writes down what follows from its versions and aliases having changed.
    static func refresh(model: Int64) -> PostgresQuery {
        """
        UPDATE registry.models AS m SET updated = now(), revision = revision + 1,
            (latest_version, version_count) = (
                SELECT max(v.version), count(*) FROM registry.versions AS v
                WHERE v.model = m.id AND v.deleted IS NULL)
        WHERE id = \(model)
        """
    }
}
