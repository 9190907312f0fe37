package import Postgres
internal import Contracts

/// The statements that say what deployments use; `UseReporter` tells the others.
package enum UseReports {
    /// Revisions `v` of deployments `d` that are used: those that serve, are to serve or may be gone back to.
    static var inUse: PostgresQuery {
        """
        (v.number IN (d.newest, d.served_before)
            OR EXISTS (SELECT FROM deployments.shares AS s WHERE s.deployment = d.id AND s.revision = v.number)
            OR EXISTS (SELECT FROM deployments.replicas AS r WHERE r.deployment = d.id AND r.revision = v.number)
            OR EXISTS (SELECT FROM deployments.rollouts AS o WHERE o.deployment = d.id AND o.ended IS NULL
                AND v.number IN (o.from_revision, o.to_revision)))
        """
    }

    /// Writes down what a deployment uses and how it is, where that is another than was written down before; part of the
    /// transaction that changed it. A deleted one uses nothing.
    package static func refresh(_ deployment: Int64) -> PostgresQuery { refresh(where: "d.id = \(deployment)") }

    /// The same for whatever somebody forgot.
    static var refreshAll: PostgresQuery { refresh(where: "d.deleted IS NULL") }

    private static func refresh(where condition: PostgresQuery) -> PostgresQuery {
        """
        INSERT INTO deployments.reports AS p
            (workspace, workspace_name, "user", principal, versions, images, state, generation)
        SELECT d.workspace, d.workspace_name, 'deployments/' || d.name, d.principal,
            ARRAY(SELECT DISTINCT m.model || ':' || m.version FROM deployments.revision_models AS m
                JOIN deployments.revisions AS v ON v.deployment = m.deployment AND v.number = m.revision
                WHERE m.deployment = d.id AND d.deleted IS NULL AND \(inUse) ORDER BY 1),
            ARRAY(SELECT DISTINCT 'images/' || v.image_name || ':' || v.image_version FROM deployments.revisions AS v
                WHERE v.deployment = d.id AND d.deleted IS NULL AND v.image_name <> '' AND \(inUse) ORDER BY 1),
            CASE WHEN d.deleted IS NOT NULL THEN 'deleted' ELSE (ARRAY['deploying', 'healthy', 'degraded', 'failed',
                'asleep', 'deleting'])[d.state] END,
            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
        FROM deployments.deployments AS d WHERE \(condition)
        ON CONFLICT (workspace, "user") DO UPDATE SET principal = excluded.principal, versions = excluded.versions,
            images = excluded.images, state = excluded.state, attempts = 0, due = now(),
            generation = greatest(p.generation + 1, excluded.generation)
        WHERE (p.versions, p.images, p.state, p.workspace_name)
            IS DISTINCT FROM (excluded.versions, excluded.images, excluded.state, excluded.workspace_name)
        """
    }
}
