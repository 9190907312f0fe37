internal import Access
internal import Contracts
internal import Journal
internal import Leases
internal import Postgres
internal import Protobuf
internal import Secrets

/// Writes steps down, each in one transaction that makes sure of the lease and of what was read.
struct ControlStore: Sendable {
    /// What was read is not so any more: it is looked at again.
    struct Outdated: Error {}

    let pool: PostgresPool
    let box: SecretBox

    /// - Throws: `LeaseError`, `Outdated`, `PostgresError`, `SecretError`.
    func write(_ step: ControlStep, of record: ControlRecord, under lease: Lease) async throws {
        try await pool.transaction { transaction in
            try await lease.assertHeld(in: transaction)
            let generations = try await transaction.query(
                """
                SELECT generation FROM deployments.deployments WHERE id = \(record.id) AND deleted IS NULL
                FOR NO KEY UPDATE
                """
            ).all(Int64.self)
            guard generations.first == record.desired.generation else { throw Outdated() }
            try await apply(step, record, lease, transaction)
        }
    }

    private func apply(
        _ step: ControlStep, _ record: ControlRecord, _ lease: Lease, _ transaction: PostgresTransaction
    ) async throws {
        switch step {
        case .intend(let revision): try await intend(revision, record, transaction)
        case .begun(let id):
            try await change(
                id, from: [1], "state = 2, started = clock_timestamp()", transaction)
        case .ready(let id, let address):
            try await change(
                id, from: [2], "state = 3, ready = clock_timestamp(), address = \(address), message = ''", transaction)
        case .fail(let id, let message, let again, let restarts):
            let moment = PostgresTimestamp(microseconds: again.microseconds)
            let text = ControlStore.short(message)
            try await change(
                id, from: [1, 2, 3],
                "state = 5, message = \(text), next_attempt = \(moment), restarts = \(Int32(clamping: restarts))",
                transaction)
            try await journal(
                "replica.failed", "a replica failed: \(text)", [("replica", "\"\(id)\"")], record, transaction)
        case .beginAgain(let id):
            let fresh = PostgresUUID.random()
            try await change(
                id, from: [5],
                """
                id = \(fresh), state = 1, restarts = restarts + 1, sealed_key = \(try key(of: fresh)), address = '',
                started = NULL, ready = NULL, next_attempt = NULL
                """, transaction)
        case .drain(let ids):
            for id in ids {
                try await change(id, from: [1, 2, 3, 5], "state = 4, draining = clock_timestamp()", transaction)
            }
        case .forget(let id):
            try await transaction.execute(
                "DELETE FROM deployments.replicas WHERE id = \(PostgresUUID(id)) AND state = 4")
        case .route(let shares):
            try await transaction.execute(
                """
                UPDATE deployments.deployments SET routed_revisions = \(shares.map { Int32($0.revision) }),
                    routed_percents = \(shares.map { Int32($0.percent) })
                WHERE id = \(record.id)
                """)
        case .rollout(let change): try await roll(change, record, transaction)
        case .report(let report): try await write(report, record, transaction)
        case .endDeletion:
            guard try await DeploymentEnd.finish(record.id, in: transaction) else { throw Outdated() }
            try await Leases.close(lease, in: transaction)
            return
        case .prepare, .start, .stop, .remove: return
        }
        try await Routes.refresh(record.id, in: transaction)
    }

    private func change(
        _ id: String, from states: [Int16], _ assignment: PostgresQuery, _ transaction: PostgresTransaction
    ) async throws {
        let count = try await transaction.execute(
            """
            UPDATE deployments.replicas SET \(assignment)
            WHERE id = \(PostgresUUID(id)) AND state = ANY(\(states))
            """)
        guard count == 1 else { throw Outdated() }
    }

    private func key(of replica: PostgresUUID) throws -> [UInt8] {
        let (secret, _) = AccessToken.make(.deployment)
        return try box.seal(Array(secret.reveal().utf8), for: SecretBox.replicaKey("\(replica)"))
    }

    private func intend(_ revision: Int, _ record: ControlRecord, _ transaction: PostgresTransaction) async throws {
        // One after the other, so that two deployments do not promise the same room.
        try await transaction.execute(
            "SELECT id FROM deployments.targets WHERE id = \(record.target) FOR NO KEY UPDATE")
        let needs = record.desired.revision(revision)?.needs ?? .init()
        let room = try await ControlStore.room(of: record.target) { try await transaction.query($0) }
        guard room?.shortage(of: needs) == nil else { throw Outdated() }
        let id = PostgresUUID.random()
        try await transaction.execute(
            """
            INSERT INTO deployments.replicas (id, deployment, revision, target, sealed_key)
            VALUES (\(id), \(record.id), \(Int32(revision)), \(record.target), \(try key(of: id)))
            """)
    }

    /// What is left of a target.
    static func room(of target: Int64, _ query: (PostgresQuery) async throws -> PostgresRows) async throws -> PlaceRoom?
    {
        let rows = try await query(
            """
            SELECT t.cpu_millis, t.memory_bytes, t.gpus, t.replicas, coalesce(sum(v.cpu_millis), 0)::bigint,
                coalesce(sum(v.memory_bytes), 0)::bigint, coalesce(sum(v.gpus), 0)::integer, count(r.id)
            FROM deployments.targets AS t
            LEFT JOIN deployments.replicas AS r ON r.target = t.id
            LEFT JOIN deployments.revisions AS v ON v.deployment = r.deployment AND v.number = r.revision
            WHERE t.id = \(target) GROUP BY t.id
            """
        ).all((Int64, Int64, Int32, Int32, Int64, Int64, Int32, Int64).self)
        guard let (cpu, memory, gpus, replicas, cpuUsed, memoryUsed, gpusUsed, used) = rows.first else { return nil }
        return PlaceRoom(
            cpuMillis: cpu > 0 ? cpu - cpuUsed : nil, memoryBytes: memory > 0 ? memory - memoryUsed : nil,
            gpus: Int(gpus - gpusUsed), replicas: replicas > 0 ? Int(replicas) - Int(used) : nil)
    }

    private func write(
        _ report: StatusReport, _ record: ControlRecord, _ transaction: PostgresTransaction
    ) async throws {
        let message = report.message(after: record.status, at: record.now)
        try await transaction.execute(
            """
            UPDATE deployments.deployments SET status = \(message.serialized()), state = \(report.state.rawValue),
                observed_generation = \(report.generation), observed = clock_timestamp()
            WHERE id = \(record.id)
            """)
        let wanted = report.wantedByRevision
        try await transaction.execute(
            """
            UPDATE deployments.revisions AS v SET wanted = coalesce(w.wanted, 0)
            FROM deployments.revisions AS o LEFT JOIN unnest(\(wanted.keys.map { Int32($0) }.sorted()),
                \(wanted.sorted { $0.key < $1.key }.map { Int32($0.value) })) AS w (number, wanted) ON w.number = o.number
            WHERE o.deployment = \(record.id) AND v.deployment = o.deployment AND v.number = o.number
                AND v.wanted <> coalesce(w.wanted, 0)
            """)
    }

    func journal(
        _ action: String, _ message: String, _ members: [(String, String)] = [], _ record: ControlRecord,
        _ transaction: PostgresTransaction
    ) async throws {
        try await Journal.append(
            DeploymentJournal.own(action, of: record.name, in: record.workspace, message: message, members: members),
            in: transaction)
    }

    /// Logs may be long, and a row is read often.
    static func short(_ message: String) -> String {
        message.utf8.count <= 4096 ? message : String(decoding: message.utf8.suffix(4096), as: UTF8.self)
    }
}
