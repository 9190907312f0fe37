package import Postgres
internal import Contracts
internal import Protobuf
internal import ResourceKit

/// Writes what routers are told of a deployment, in the transaction that makes the change that it follows from.
package enum Routes {
    /// Locks a deployment until the transaction ends. Whoever changes anything that its route follows from does this first:
    /// routes are then written one after the other, and each by one who sees all that was changed before.
    /// - Returns: false where there is none of that number.
    @discardableResult
    package static func lock(_ deployment: Int64, in transaction: PostgresTransaction) async throws -> Bool {
        !(try await transaction.query(
            "SELECT id FROM deployments.deployments WHERE id = \(deployment) FOR NO KEY UPDATE"
        ).all(Int64.self)).isEmpty
    }

    /// Makes the route what follows from the tables as the transaction sees them. Routers hear of it with the commit, and
    /// only where it is another than before; one that is to go is taken from them.
    /// - Returns: whether it is another.
    @discardableResult
    package static func refresh(_ deployment: Int64, in transaction: PostgresTransaction) async throws -> Bool {
        try await lock(deployment, in: transaction)
        let answers = try await transaction.pipeline(queries(deployment))
        guard answers.count == 5, let row = try answers[0].all(Row.self).first else { return false }
        let before = try answers[4].all([UInt8].self).first
        guard row.isAlive else {
            guard before != nil else { return false }
            try await transaction.execute("DELETE FROM deployments.routes WHERE deployment = \(deployment)")
            return true
        }
        var facts = row.facts
        facts.shares = try answers[1].all((Int32, Int32).self).map { .init(revision: $0.0, percent: $0.1) }
        facts.revisions = try revisions(answers[2])
        facts.keys = try answers[3].all(KeyRow.self).map(\.key)
        var route = facts.route
        if let before {
            var known = try Slipway.Routing.V1.Route(serialized: before[...])
            known.version = 0
            guard known != route else { return false }
        }
        let version = try await transaction.query("SELECT nextval('deployments.route_versions')").all(Int64.self)
        route.version = version.first ?? 0
        try await transaction.execute(
            """
            INSERT INTO deployments.routes (deployment, workspace, version, route)
            VALUES (\(deployment), \(row.workspace), \(route.version), \(route.serialized()))
            ON CONFLICT (deployment) DO UPDATE SET version = excluded.version, route = excluded.route
            """)
        if let revision = ModelDeployed.serving(route) {
            try await ModelDeployed.announce(revision, of: deployment, in: transaction)
        }
        return true
    }

    private static func queries(_ deployment: Int64) -> [PostgresQuery] {
        [
            """
            SELECT id, workspace, workspace_name, name, host, security, sealed_certificate_key, served_before, status,
                deleting IS NULL AND deleted IS NULL AS alive
            FROM deployments.deployments WHERE id = \(deployment)
            """,
            // What control decided, so that nothing is taken from who serves before who follows serves.
            """
            SELECT r.revision, r.percent FROM deployments.deployments AS d,
                unnest(d.routed_revisions, d.routed_percents) AS r (revision, percent)
            WHERE d.id = \(deployment)
            UNION ALL
            SELECT s.revision, s.percent FROM deployments.shares AS s JOIN deployments.deployments AS d
                ON d.id = s.deployment AND cardinality(d.routed_revisions) = 0
            WHERE s.deployment = \(deployment) ORDER BY 1
            """,
            """
            SELECT v.number, v.settings, r.id, r.address, r.sealed_key
            FROM deployments.revisions AS v LEFT JOIN deployments.replicas AS r
                ON r.deployment = v.deployment AND r.revision = v.number AND r.address <> ''
                AND r.state = \(Int16(V1.Replica.State.ready.rawValue))
            WHERE v.deployment = \(deployment) AND (r.id IS NOT NULL OR EXISTS (
                SELECT FROM deployments.shares AS s WHERE s.deployment = v.deployment AND s.revision = v.number)
                OR EXISTS (SELECT FROM deployments.deployments AS d
                    WHERE d.id = v.deployment AND v.number = ANY(d.routed_revisions)))
            ORDER BY v.number, r.id
            """,
            """
            SELECT id, kind, digest, until FROM deployments.endpoint_keys
            WHERE deployment = \(deployment) AND (until IS NULL OR until > now()) ORDER BY id
            """,
            "SELECT route FROM deployments.routes WHERE deployment = \(deployment)",
        ]
    }

    private static func revisions(_ rows: PostgresRows) throws -> [RouteFacts.Revision] {
        var revisions: [RouteFacts.Revision] = []
        for (number, settings, id, address, key)
            in try rows.all((Int32, [UInt8], PostgresUUID?, String?, [UInt8]?).self)
        {
            if revisions.last?.number != number {
                revisions.append(.init(number: number, settings: try V1.ReplicaSettings(serialized: settings[...])))
            }
            guard let id, let address, let key, !revisions.isEmpty else { continue }
            revisions[revisions.count - 1].replicas.append(
                .init(id: "\(id)", address: address, sealedKey: key[...]))
        }
        return revisions
    }

    private struct Row: PostgresRowDecodable {
        let workspace: PostgresUUID
        let isAlive: Bool
        let facts: RouteFacts

        init(row: PostgresRow) throws {
            workspace = try row.decode("workspace")
            isAlive = try row.decode("alive")
            facts = RouteFacts(
                deployment: try row.decode("id"), workspace: try row.decode("workspace_name"),
                name: try row.decode("name"), host: try row.decode("host", as: String?.self) ?? "",
                security: try V1.Security(serialized: try row.decode("security", as: [UInt8].self)[...]),
                sealedCertificateKey: try row.decode("sealed_certificate_key"), keys: [], shares: [],
                servedBefore: try row.decode("served_before"), revisions: [],
                status: try V1.DeploymentStatus(serialized: try row.decode("status", as: [UInt8].self)[...]))
        }
    }

    private struct KeyRow: PostgresRowDecodable {
        let key: Slipway.Routing.V1.RouteKey

        init(row: PostgresRow) throws {
            let kind: String = try row.decode("kind")
            let digest: [UInt8] = try row.decode("digest")
            key = .init(
                digest: digest[...], name: kind == "token" ? "\(try row.decode("id", as: Int64.self))" : kind,
                until: try row.decode("until", as: PostgresTimestamp?.self).map(Google.Protobuf.Timestamp.init))
        }
    }
}
