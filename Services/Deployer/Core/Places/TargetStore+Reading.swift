package import Access
package import Contracts
internal import DeployerTargets
internal import Postgres
internal import RPC
internal import ResourceKit
internal import Secrets

extension TargetStore {
    /// Makes the target that everybody may use without having attached it, the machine's own processes; or takes it away
    /// again, but for what runs there.
    package func offerUsual(_ isOffered: Bool = true) async throws {
        guard isOffered else {
            try await pool.execute(
                """
                UPDATE deployments.targets AS t SET detached = now()
                WHERE workspace IS NULL AND name = \(TargetStore.usualName) AND detached IS NULL AND NOT EXISTS (
                    SELECT FROM deployments.deployments AS d WHERE d.target = t.id AND d.deleted IS NULL)
                """)
            return
        }
        let place = Slipway.Targets.V1.TargetPlace(kind: .process(.init()))
        try await pool.execute(
            """
            INSERT INTO deployments.targets (workspace, name, description, kind, place, attached_by)
            VALUES (NULL, \(TargetStore.usualName), 'processes on the deployer''s machine', 'process',
                \(place.serialized()), \(DeploymentJournal.service))
            ON CONFLICT (workspace, name) WHERE detached IS NULL DO NOTHING
            """)
        // Whoever asks for more than the machine has is told so before anything is begun.
        let ids = try await pool.query(
            """
            SELECT id FROM deployments.targets
            WHERE workspace IS NULL AND name = \(TargetStore.usualName) AND detached IS NULL
            """
        ).all(Int64.self)
        for id in ids { try await look(at: id) }
    }

    func find(_ name: String, in workspace: Workspace) async throws -> TargetRecord? {
        try await pool.read(
            """
            SELECT \(TargetRecord.columns) FROM deployments.targets AS t
            WHERE t.name = \(name) AND \(TargetStore.condition(workspace)) ORDER BY t.workspace NULLS LAST LIMIT 1
            """
        ).all(TargetRecord.self).first
    }

    func record(_ id: Int64) async throws -> TargetRecord? {
        try await pool.query(
            "SELECT \(TargetRecord.columns) FROM deployments.targets AS t WHERE t.id = \(id)"
        ).all(TargetRecord.self).first
    }

    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    func required(_ name: String, in workspace: Workspace) async throws -> TargetRecord {
        var violations = FieldViolations()
        violations.check(place: name)
        try violations.check()
        if let record = try await find(name, in: workspace) { return record }
        throw TargetStore.missing(name, in: workspace, of: try await all(in: workspace).map(\.name))
    }

    func all(in workspace: Workspace) async throws -> [TargetRecord] {
        try await pool.read(
            """
            SELECT DISTINCT ON (t.name) \(TargetRecord.columns) FROM deployments.targets AS t
            WHERE \(TargetStore.condition(workspace)) ORDER BY t.name, t.workspace NULLS LAST
            """
        ).all(TargetRecord.self)
    }

    /// One target.
    package func get(_ name: String, in workspace: Workspace) async throws -> Slipway.Targets.V1.Target {
        try await shown([required(name, in: workspace)])[0]
    }

    /// By name.
    package func list(in workspace: Workspace) async throws -> [Slipway.Targets.V1.Target] {
        try await shown(all(in: workspace))
    }

    /// Looks at a place, and writes down what it found.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func check(_ name: String, in workspace: Workspace) async throws -> Slipway.Targets.V1.Target {
        let record = try await required(name, in: workspace)
        try await look(at: record.id)
        return try await shown([self.record(record.id) ?? record])[0]
    }

    /// Looks at a place, whoever wants to know: what it says of itself stands in its row then, or why it says nothing.
    package func look(at id: Int64) async throws {
        do {
            try await pool.execute(TargetStore.seen(id, try await places.target(id).check()))
        } catch let error as TargetError {
            try await note(id, error.message)
        } catch let error as SecretError {
            try await note(id, "its key can't be opened: \(error)")
        }
    }

    private func note(_ id: Int64, _ message: String) async throws {
        try await pool.execute(
            """
            UPDATE deployments.targets SET reachable = false, message = \(message), checked = now() WHERE id = \(id)
            """)
    }

    /// With what is promised of them: by each replica that there is or is to be.
    func shown(_ records: [TargetRecord]) async throws -> [Slipway.Targets.V1.Target] {
        let promised = try await pool.query(
            """
            SELECT r.target, sum(v.cpu_millis)::bigint, sum(v.memory_bytes)::bigint, sum(v.gpus)::integer,
                count(*)::integer
            FROM deployments.replicas AS r
            JOIN deployments.revisions AS v ON v.deployment = r.deployment AND v.number = r.revision
            WHERE r.target = ANY(\(records.map(\.id))) GROUP BY r.target
            """
        ).all((Int64, Int64, Int64, Int32, Int32).self)
        return records.map { record in
            var target = record.target
            target.promised = .init()
            if let (_, cpu, memory, gpus, replicas) = promised.first(where: { $0.0 == record.id }) {
                target.promised = .init(cpuMillis: cpu, memoryBytes: memory, gpus: gpus, replicas: replicas)
            }
            return target
        }
    }
}
