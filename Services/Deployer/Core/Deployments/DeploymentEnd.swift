internal import Access
package import Postgres
internal import Journal
internal import Contracts
internal import ResourceKit

/// The end of a deployment of which no replica is left.
package enum DeploymentEnd {
    /// Writes down that it is gone: its name may be given again, what opened it opens nothing any more, and nothing is used.
    /// What it was stays for its history.
    /// - Returns: false where it is not to go, or there still is a replica.
    package static func finish(_ deployment: Int64, in transaction: PostgresTransaction) async throws -> Bool {
        try await Routes.lock(deployment, in: transaction)
        let rows = try await transaction.query(
            """
            UPDATE deployments.deployments AS d SET deleted = now()
            WHERE id = \(deployment) AND deleting IS NOT NULL AND deleted IS NULL
                AND NOT EXISTS (SELECT FROM deployments.replicas AS r WHERE r.deployment = d.id)
            RETURNING workspace, workspace_name, name
            """
        ).all((PostgresUUID, String, String).self)
        guard let (workspace, place, name) = rows.first else { return false }
        let home = Workspace(id: EntityID(high: workspace.high, low: workspace.low), name: place)
        _ = try await transaction.pipeline([
            "DELETE FROM deployments.endpoint_keys WHERE deployment = \(deployment)",
            "UPDATE deployments.deployments SET sealed_certificate_key = NULL WHERE id = \(deployment)",
            "DELETE FROM deployments.decisions WHERE deployment = \(deployment)",
            "DELETE FROM deployments.router_reports WHERE deployment = \(deployment)",
            UseReports.refresh(deployment),
            Journal.insertion(
                DeploymentJournal.own("deployment.ended", of: name, in: home, message: "its last replica is gone"),
                from: "(VALUES (1)) AS once"),
        ])
        try await Routes.refresh(deployment, in: transaction)
        return true
    }
}
