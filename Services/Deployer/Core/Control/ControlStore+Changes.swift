internal import Contracts
internal import Leases
internal import Postgres
internal import Protobuf
internal import ResourceKit

extension ControlStore {
    /// What becomes of a rollout, with the shares and the row of the journal.
    func roll(_ change: RolloutChange, _ record: ControlRecord, _ transaction: PostgresTransaction) async throws {
        guard let number = record.rollout, let rollout = record.desired.rollout else { throw Outdated() }
        let base = change.base ?? record.baseline?.base ?? []
        let baseline = RolloutBaseline(
            base: base,
            routers: change.beginsStep ? record.counters(of: rollout.to) : record.baseline?.routers ?? [:])
        let since = rollout.stepSince.map { PostgresTimestamp(microseconds: $0.microseconds) }
        let count = try await transaction.execute(
            """
            UPDATE deployments.rollouts SET state = \(change.phase.rawValue), percent = \(Int32(change.percent)),
                message = \(ControlStore.short(change.message)), baseline = \(baseline.bytes),
                step_since = CASE WHEN \(change.beginsStep) THEN clock_timestamp() ELSE \(since) END,
                ended = CASE WHEN \(!change.phase.isOpen) THEN clock_timestamp() END
            WHERE id = \(number) AND ended IS NULL
            """)
        guard count == 1 else { throw Outdated() }
        if let shares = change.shares { try await divide(shares, record, transaction) }
        guard change.base == nil else { return }
        let action =
            switch change.phase {
            case .done: "rollout.done"
            case .rolledBack: "rollout.rolled-back"
            case .preparing, .baking, .replaced: "rollout.advanced"
            }
        try await journal(
            action, change.message, [("revision", "\(rollout.to)"), ("percent", "\(change.percent)")], record,
            transaction)
    }

    private func divide(_ shares: [Share], _ record: ControlRecord, _ transaction: PostgresTransaction) async throws {
        try await transaction.execute("DELETE FROM deployments.shares WHERE deployment = \(record.id)")
        try await transaction.execute(
            """
            INSERT INTO deployments.shares (deployment, revision, percent)
            SELECT \(record.id), revision, percent
            FROM unnest(\(shares.map { Int32($0.revision) }), \(shares.map { Int32($0.percent) }))
                AS given (revision, percent)
            """)
    }

    /// Another number of replicas, with the decision that led to it.
    /// - Throws: as `write`.
    func scale(_ choice: ScalingChoice, of record: ControlRecord, under lease: Lease) async throws {
        try await pool.transaction { transaction in
            try await lease.assertHeld(in: transaction)
            if choice.changes {
                let count = try await transaction.execute(
                    """
                    UPDATE deployments.deployments SET scaled = \(Int32(clamping: choice.to))
                    WHERE id = \(record.id) AND scaled = \(Int32(clamping: choice.from)) AND deleted IS NULL
                        AND generation = \(record.desired.generation)
                    """)
                guard count == 1 else { throw Outdated() }
                try await journal(
                    "deployment.scaled", "from \(choice.from) to \(choice.to) replicas: \(choice.reason)",
                    [("from", "\(choice.from)"), ("to", "\(choice.to)")], record, transaction)
            }
            // One that changes nothing is kept only as the last.
            try await transaction.execute(
                """
                DELETE FROM deployments.decisions WHERE deployment = \(record.id) AND (NOT changes
                    OR id < (SELECT id FROM deployments.decisions WHERE deployment = \(record.id)
                        ORDER BY id DESC OFFSET 999 LIMIT 1))
                """)
            try await transaction.execute(
                """
                INSERT INTO deployments.decisions (deployment, decision, changes)
                VALUES (\(record.id), \(choice.message.serialized()), \(choice.changes))
                """)
        }
    }
}

extension ScalingChoice {
    var message: V1.ScalingDecision {
        V1.ScalingDecision(
            from: Int32(clamping: from), to: Int32(clamping: to), computed: Int32(clamping: computed),
            inFlight: demand.inFlight, rate: demand.rate, duration: demand.duration, utilisation: utilisation,
            waiting: Int32(clamping: demand.waiting), goal: goal, reason: reason)
    }
}
