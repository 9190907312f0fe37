package import Access
package import Postgres
package import Secrets
package import Contracts
internal import RPC
internal import ResourceKit

/// Deployments in the database: what is desired of them, and what was seen. Every change is one transaction with its row of
/// the journal, and where routing follows from it, with the route. Whether a caller may make it was decided before:
/// nothing here checks roles.
///
/// A value to pass around; any number of tasks may use it. Errors that callers can mend are `RPCError`, those of the
/// database `PostgresError`.
package struct DeploymentStore: Sendable {
    let pool: PostgresPool
    let box: SecretBox
    let images: any ImageSource
    let limits: DeployerLimits
    let addresses: EndpointAddresses

    package init(
        _ pool: PostgresPool, box: SecretBox, images: any ImageSource, limits: DeployerLimits = .init(),
        addresses: EndpointAddresses = .init()
    ) {
        self.pool = pool
        self.box = box
        self.images = images
        self.limits = limits
        self.addresses = addresses
    }

    /// One deployment.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    package func record(_ name: String, in workspace: Workspace) async throws -> DeploymentRecord {
        var violations = FieldViolations()
        violations.check(place: name)
        try violations.check()
        let found = try await pool.read(
            """
            SELECT \(DeploymentRecord.columns) FROM \(DeploymentRecord.tables)
            WHERE d.workspace = \(workspace.databaseID) AND d.name = \(name) AND d.deleted IS NULL
            """
        ).all(DeploymentRecord.self)
        guard let record = found.first else { throw try await missing(name, in: workspace) }
        return record
    }

    package func get(_ name: String, in workspace: Workspace) async throws -> V1.Deployment {
        try await record(name, in: workspace).shown(addresses)
    }

    /// By its number, whether it is there still or not.
    func record(_ id: Int64) async throws -> DeploymentRecord? {
        try await pool.read(
            "SELECT \(DeploymentRecord.columns) FROM \(DeploymentRecord.tables) WHERE d.id = \(id)"
        ).all(DeploymentRecord.self).first
    }

    func read(_ id: Int64, _ transaction: PostgresTransaction) async throws -> DeploymentRecord {
        let found = try await transaction.query(
            "SELECT \(DeploymentRecord.columns) FROM \(DeploymentRecord.tables) WHERE d.id = \(id)"
        ).all(DeploymentRecord.self)
        guard let record = found.first else { throw RPCError(.internal, "a deployment went while it was locked") }
        return record
    }

    /// The deployment, locked against every other change until the transaction ends.
    /// - Throws: `RPCError`: `notFound`; `failedPrecondition` where it is being deleted; `aborted` where the generation is
    ///   another by now.
    func lock(
        _ name: String, in workspace: Workspace, expecting generation: Int64? = nil,
        _ transaction: PostgresTransaction
    ) async throws -> DeploymentRecord {
        let ids = try await transaction.query(
            """
            SELECT id FROM deployments.deployments
            WHERE workspace = \(workspace.databaseID) AND name = \(name) AND deleted IS NULL FOR NO KEY UPDATE
            """
        ).all(Int64.self)
        guard let id = ids.first else { throw try await missing(name, in: workspace) }
        let record = try await read(id, transaction)
        guard !record.isDeleting else {
            throw Refusal.precondition(
                "the deployment \"\(name)\" is being deleted",
                [.init(type: "DELETING", subject: DeploymentJournal.subject(name), description: "it is being deleted")])
        }
        if let generation, generation != record.deployment.generation {
            throw RPCError.reason(
                .aborted,
                "the deployment has the generation \(record.deployment.generation) by now, and \(generation) was "
                    + "expected: read it again and decide anew",
                reason: "GENERATION_CHANGED", domain: "slipway",
                metadata: ["expected": "\(generation)", "found": "\(record.deployment.generation)"])
        }
        return record
    }

    /// Makes a change of a deployment: `body` says with which statements, under its lock.
    func change(
        _ name: String, expecting generation: Int64? = nil, by change: DeploymentChange,
        _ body: (DeploymentRecord, PostgresTransaction) async throws -> [PostgresQuery]
    ) async throws -> V1.Deployment {
        var violations = FieldViolations()
        violations.check(place: name)
        violations.check(reason: change.reason)
        try violations.check()
        let record = try await pool.transaction { transaction in
            let before = try await lock(name, in: change.workspace, expecting: generation, transaction)
            let statements = try await body(before, transaction)
            guard !statements.isEmpty else { return before }
            _ = try await transaction.pipeline(
                statements + [
                    """
                    UPDATE deployments.deployments SET generation = generation + 1, updated = now(),
                        principal = \(PostgresUUID(high: change.principal.high, low: change.principal.low))
                    WHERE id = \(before.id)
                    """,
                    UseReports.refresh(before.id),
                ])
            try await Routes.refresh(before.id, in: transaction)
            return try await read(before.id, transaction)
        }
        return record.shown(addresses)
    }

    /// Why there is no such deployment, and what there is nearby.
    func missing(_ name: String, in workspace: Workspace) async throws -> RPCError {
        let names = try await pool.read(
            """
            SELECT name FROM deployments.deployments WHERE workspace = \(workspace.databaseID) AND deleted IS NULL
            ORDER BY name LIMIT 1000
            """
        ).all(String.self)
        let near = NearNames.nearest(to: name, of: names).map { "; did you mean \"\($0)\"?" } ?? ""
        return Refusal.notFound(
            "deployment", DeploymentJournal.subject(name),
            "there is no deployment \"\(name)\" in the workspace \"\(workspace.name)\"\(near)")
    }
}
