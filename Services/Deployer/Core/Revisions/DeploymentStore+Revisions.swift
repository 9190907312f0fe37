package import Access
package import Contracts
package import Postgres
internal import Protobuf
internal import ResourceKit

extension DeploymentStore {
    /// The newest so many are listed.
    static let revisionsListedMax = 1000

    /// The revisions of a deployment, the newest first, with their replicas.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func revisions(_ name: String, in workspace: Workspace) async throws -> [V1.Revision] {
        let record = try await record(name, in: workspace)
        let answers = try await pool.read([
            """
            SELECT \(RevisionRecord.columns) FROM deployments.revisions AS v WHERE v.deployment = \(record.id)
            ORDER BY v.number DESC LIMIT \(DeploymentStore.revisionsListedMax)
            """,
            "SELECT \(ReplicaRecord.columns) FROM deployments.replicas AS r WHERE r.deployment = \(record.id)",
        ])
        guard answers.count == 2 else { return [] }
        let replicas = Dictionary(
            grouping: try answers[1].all(ReplicaRecord.self).map(\.replica).sorted { $0.id < $1.id }, by: \.revision)
        return try answers[0].all(RevisionRecord.self).map { found in
            var revision = found.revision
            revision.replicas = replicas[revision.number] ?? []
            return revision
        }
    }
}

/// A row of `replicas`.
package struct ReplicaRecord: Sendable, PostgresRowDecodable {
    package let target: Int64
    package let sealedKey: [UInt8]
    package let replica: V1.Replica

    package static var columns: PostgresQuery {
        """
        r.id, r.revision, r.target, r.state, r.address, r.sealed_key, r.restarts, r.message, r.started, r.ready
        """
    }

    package init(row: PostgresRow) throws {
        target = try row.decode("target")
        sealedKey = try row.decode("sealed_key")
        var found = V1.Replica()
        found.id = try row.decode("id", as: PostgresUUID.self).description
        found.revision = try row.decode("revision")
        found.state = .init(rawValue: Int32(try row.decode("state", as: Int16.self)))
        found.message = try row.decode("message")
        found.address = try row.decode("address")
        found.restarts = try row.decode("restarts")
        found.startedAt = try row.decode("started", as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init)
        found.readyAt = try row.decode("ready", as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init)
        replica = found
    }
}
