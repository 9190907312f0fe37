package import Contracts
package import Postgres
internal import Protobuf
internal import ResourceKit

/// A row of `deployments` with what belongs to it.
package struct DeploymentRecord: Sendable, PostgresRowDecodable {
    package let id: Int64
    package let workspace: PostgresUUID
    package let workspaceName: String
    package let target: Int64
    package let targetKind: String
    package let newest: Int32
    package let servedBefore: Int32
    package let sealedCertificateKey: [UInt8]?
    package let isDeleting: Bool
    package let isDeleted: Bool
    /// As callers see it, but for its addresses.
    package let deployment: V1.Deployment

    /// The columns that `init` reads.
    package static var columns: PostgresQuery {
        """
        d.id, d.workspace, d.workspace_name, d.name, d.description, d.tags, d.target, t.name AS target_name,
        t.kind AS target_kind, d.generation, d.newest, d.served_before, d.scaling, d.security,
        d.sealed_certificate_key, d.certificate_until, d.status, d.state, d.observed_generation, d.created_by,
        d.created, d.updated, d.deleting IS NOT NULL AS is_deleting, d.deleted IS NOT NULL AS is_deleted,
        ARRAY(SELECT s.revision FROM deployments.shares AS s WHERE s.deployment = d.id ORDER BY s.revision)
            AS share_revisions,
        ARRAY(SELECT s.percent FROM deployments.shares AS s WHERE s.deployment = d.id ORDER BY s.revision)
            AS share_percents,
        (SELECT count(*)::integer FROM deployments.replicas AS r WHERE r.deployment = d.id
            AND r.state = \(Int16(V1.Replica.State.ready.rawValue))) AS ready,
        (SELECT coalesce(sum(v.wanted), 0)::integer FROM deployments.revisions AS v WHERE v.deployment = d.id)
            AS wanted,
        o.from_revision, o.to_revision, o.plan, o.state AS rollout_state, o.percent AS rollout_percent,
        o.message AS rollout_message, o.started AS rollout_started
        """
    }

    /// Where they come from.
    package static var tables: PostgresQuery {
        """
        deployments.deployments AS d JOIN deployments.targets AS t ON t.id = d.target
        LEFT JOIN deployments.rollouts AS o ON o.deployment = d.id AND o.ended IS NULL
        """
    }

    package init(row: PostgresRow) throws {
        id = try row.decode("id")
        workspace = try row.decode("workspace")
        workspaceName = try row.decode("workspace_name")
        target = try row.decode("target")
        targetKind = try row.decode("target_kind")
        newest = try row.decode("newest")
        servedBefore = try row.decode("served_before")
        sealedCertificateKey = try row.decode("sealed_certificate_key")
        isDeleting = try row.decode("is_deleting")
        isDeleted = try row.decode("is_deleted")

        var found = V1.Deployment()
        found.name = try row.decode("name")
        found.description = try row.decode("description")
        found.tags = try RowJSON.strings(try row.decode("tags"))
        found.target = try row.decode("target_name")
        found.generation = try row.decode("generation")
        let percents: [Int32] = try row.decode("share_percents")
        found.traffic = zip(try row.decode("share_revisions", as: [Int32].self), percents).map {
            .init(revision: $0, percent: $1)
        }
        found.scaling = try V1.Scaling(serialized: try row.decode("scaling", as: [UInt8].self))
        var security = try V1.Security(serialized: try row.decode("security", as: [UInt8].self))
        security.certificateUntil = try DeploymentRecord.time("certificate_until", row)
        found.security = security
        found.createdBy = try row.decode("created_by")
        found.createdAt = try DeploymentRecord.time("created", row)
        found.updatedAt = try DeploymentRecord.time("updated", row)
        found.status = try DeploymentRecord.status(row)
        deployment = found
    }

    private static func time(_ column: String, _ row: PostgresRow) throws -> Google.Protobuf.Timestamp? {
        try row.decode(column, as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init)
    }

    private static func status(_ row: PostgresRow) throws -> V1.DeploymentStatus {
        var status = try V1.DeploymentStatus(serialized: try row.decode("status", as: [UInt8].self))
        status.state = .init(rawValue: Int32(try row.decode("state", as: Int16.self)))
        status.generation = try row.decode("observed_generation")
        status.ready = try row.decode("ready")
        status.wanted = try row.decode("wanted")
        status.rollout = nil
        if let from = try row.decode("from_revision", as: Int32?.self) {
            var rollout = V1.Rollout()
            rollout.from = from
            rollout.to = try row.decode("to_revision", as: Int32?.self) ?? 0
            rollout.plan = try V1.RolloutPlan(serialized: try row.decode("plan", as: [UInt8]?.self) ?? [])
            rollout.state = .init(rawValue: Int32(try row.decode("rollout_state", as: Int16?.self) ?? 0))
            rollout.percent = try row.decode("rollout_percent", as: Int32?.self) ?? 0
            rollout.message = try row.decode("rollout_message", as: String?.self) ?? ""
            rollout.startedAt = try time("rollout_started", row)
            status.rollout = rollout
        }
        return status
    }

    /// As callers see it.
    func shown(_ addresses: EndpointAddresses) -> V1.Deployment {
        var shown = deployment
        guard !isDeleting, !isDeleted else { return shown }
        let security = deployment.security ?? .init()
        shown.status?.addresses = addresses.addresses(
            workspace: workspaceName, name: deployment.name, host: security.host,
            isSecure: !security.certificatePem.isEmpty)
        return shown
    }

    /// The revision that has most of the requests; the newest of several alike, 0 where none has any.
    package var mainRevision: Int32 {
        deployment.traffic.max { ($0.percent, $0.revision) < ($1.percent, $1.revision) }?.revision ?? 0
    }
}
