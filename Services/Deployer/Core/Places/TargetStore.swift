internal import Access
package import Contracts
package import Postgres
package import Secrets
internal import Protobuf
internal import RPC
internal import ResourceKit

/// Targets in the database. As `DeploymentStore`: every change is one transaction with its row of the journal.
package struct TargetStore: Sendable {
    /// The target of deployments that name none.
    package static let usualName = "local"

    let pool: PostgresPool
    let box: SecretBox
    let places: Places

    package init(_ pool: PostgresPool, box: SecretBox, places: Places) {
        self.pool = pool
        self.box = box
        self.places = places
    }

    /// Which targets `t` somebody sees: those of the workspace, and before them those of everybody.
    static func condition(_ workspace: Workspace) -> PostgresQuery {
        "(t.workspace = \(workspace.databaseID) OR t.workspace IS NULL) AND t.detached IS NULL"
    }

    /// A target that a deployment may be made on, held so that it can't be detached before the transaction ends.
    /// - Throws: `RPCError` `notFound` with what may have been meant.
    static func usable(
        _ name: String, in workspace: Workspace, _ transaction: PostgresTransaction
    ) async throws -> TargetRecord {
        let found = try await transaction.query(
            """
            SELECT \(TargetRecord.columns) FROM deployments.targets AS t
            WHERE t.name = \(name) AND \(condition(workspace)) ORDER BY t.workspace NULLS LAST LIMIT 1 FOR SHARE OF t
            """
        ).all(TargetRecord.self)
        guard let target = found.first else {
            let names = try await transaction.query(
                "SELECT t.name FROM deployments.targets AS t WHERE \(condition(workspace)) ORDER BY t.name LIMIT 1000"
            ).all(String.self)
            throw missing(name, in: workspace, of: names, field: "target")
        }
        return target
    }

    /// By its number.
    static func usable(_ id: Int64, _ transaction: PostgresTransaction) async throws -> TargetRecord {
        let found = try await transaction.query(
            "SELECT \(TargetRecord.columns) FROM deployments.targets AS t WHERE t.id = \(id)"
        ).all(TargetRecord.self)
        guard let target = found.first else { throw RPCError(.internal, "a deployment's target is gone") }
        return target
    }

    static func missing(_ name: String, in workspace: Workspace, of names: [String], field: String = "") -> RPCError {
        let near = NearNames.nearest(to: name, of: names).map { "; did you mean \"\($0)\"?" }
        let there = names.isEmpty ? "; none is attached" : "; there is \(names.prefix(10).joined(separator: ", "))"
        return Refusal.notFound(
            "target", "targets/\(name)",
            (field.isEmpty ? "" : "\(field): ")
                + "there is no target \"\(name)\" in the workspace \"\(workspace.name)\"\(near ?? there)")
    }
}

/// A row of `targets`.
package struct TargetRecord: Sendable, PostgresRowDecodable {
    package let id: Int64
    package let name: String
    package let kind: String
    /// Nil where every workspace may use it.
    package let workspace: PostgresUUID?
    package let sealedKey: [UInt8]?
    /// As callers see it, without what is promised of it.
    package let target: Slipway.Targets.V1.Target

    package static var columns: PostgresQuery {
        """
        t.id, t.workspace, t.name, t.description, t.kind, t.place, t.sealed_key, t.reachable, t.message, t.version,
        t.cpu_millis, t.memory_bytes, t.gpus, t.replicas, t.checked, t.attached_by, t.attached
        """
    }

    package init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        kind = try row.decode("kind")
        workspace = try row.decode("workspace")
        sealedKey = try row.decode("sealed_key")
        var found = Slipway.Targets.V1.Target()
        found.name = name
        found.description = try row.decode("description")
        found.place = try Slipway.Targets.V1.TargetPlace(serialized: try row.decode("place", as: [UInt8].self))
        found.reachable = try row.decode("reachable")
        found.message = try row.decode("message")
        found.version = try row.decode("version")
        found.total = .init(
            cpuMillis: try row.decode("cpu_millis"), memoryBytes: try row.decode("memory_bytes"),
            gpus: try row.decode("gpus"), replicas: try row.decode("replicas"))
        found.checkedAt = try row.decode("checked", as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init)
        found.attachedBy = try row.decode("attached_by")
        found.attachedAt = Google.Protobuf.Timestamp(try row.decode("attached", as: PostgresTimestamp.self))
        target = found
    }

    /// - Throws: `RPCError` `failedPrecondition` where not even one replica would ever fit.
    func checkRoom(for settings: V1.ReplicaSettings) throws(RPCError) {
        let total = target.total ?? .init()
        // Nobody has looked yet.
        guard target.checkedAt != nil else { return }
        var unmet: [Refusal.Unmet] = []
        func compare(_ need: Int64, _ have: Int64, _ what: String, isLimit: Bool) {
            guard isLimit, need > have else { return }
            unmet.append(
                .init(
                    type: "CAPACITY", subject: "targets/\(name)",
                    description: "a replica needs \(need) \(what), and the target has \(have)"))
        }
        compare(Int64(settings.cpuMillis), total.cpuMillis, "thousandths of a core", isLimit: total.cpuMillis > 0)
        compare(settings.memoryBytes, total.memoryBytes, "bytes of memory", isLimit: total.memoryBytes > 0)
        compare(Int64(settings.gpus), Int64(total.gpus), "GPUs", isLimit: true)
        guard let first = unmet.first else { return }
        throw Refusal.precondition("the target \"\(name)\" can't hold a replica: \(first.description)", unmet)
    }
}
