internal import Access
internal import Contracts
internal import Journal
internal import Postgres
internal import ResourceKit

/// The event that another revision serves: it has most of the requests, and a replica that is ready. It comes once for each
/// take-over, however often replicas come and go meanwhile.
enum ModelDeployed {
    /// The revision that serves by this route; nil where none does.
    static func serving(_ route: Slipway.Routing.V1.Route) -> Int32? {
        let main = route.shares.max { ($0.percent, $0.revision) < ($1.percent, $1.revision) }
        guard let revision = main?.revision else { return nil }
        let isReady = route.revisions.contains { $0.number == revision && !$0.replicas.isEmpty }
        return isReady ? revision : nil
    }

    /// Writes the event down where this revision is not the one that was announced last.
    static func announce(_ revision: Int32, of deployment: Int64, in transaction: PostgresTransaction) async throws {
        let rows = try await transaction.query(
            """
            UPDATE deployments.deployments AS d SET announced = \(revision) FROM deployments.targets AS t
            WHERE d.id = \(deployment) AND d.announced <> \(revision) AND t.id = d.target
            RETURNING d.name, d.workspace, d.workspace_name, t.kind, d.tags,
                ARRAY(SELECT 'models/' || m.model || ':' || m.version FROM deployments.revision_models AS m
                    WHERE m.deployment = d.id AND m.revision = \(revision) ORDER BY m.model, m.version) AS models
            """
        ).all((String, PostgresUUID, String, String, PostgresJSON, [String]).self)
        guard let (name, workspace, place, kind, tags, models) = rows.first else { return }
        let home = Workspace(id: EntityID(high: workspace.high, low: workspace.low), name: place)
        let message = "revision \(revision) serves"
        let served = DeploymentJournal.own(
            "deployment.served", of: name, in: home, message: message, members: [("revision", "\(revision)")])
        var deployed = DeploymentJournal.own(
            "model.deployed", of: name, in: home, message: message,
            members: [
                ("revision", "\(revision)"), ("target_kind", RowJSON.text(kind)), ("model_ids", RowJSON.array(models)),
                ("tags", tags.text), ("properties", "{}"),
            ])
        deployed.subject = "endpoints/\(name)"
        try await Journal.append([served, deployed], in: transaction)
    }
}
