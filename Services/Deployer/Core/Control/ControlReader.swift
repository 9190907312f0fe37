internal import Access
internal import Contracts
internal import Postgres
internal import Protobuf

/// Reads what control goes by: of some deployments or of all, in one round trip.
struct ControlReader: Sendable {
    let pool: PostgresPool

    /// - Parameter ids: nil for every one that there is.
    func read(_ ids: [Int64]?) async throws -> [Int64: ControlRecord] {
        if let ids, ids.isEmpty { return [:] }
        let of: PostgresQuery = ids.map { "= ANY(\($0))" } ?? "IS NOT NULL"
        let answers = try await pool.read([
            """
            SELECT d.id, d.workspace, d.workspace_name, d.name, d.target, d.principal, d.generation, d.newest, d.scaling,
                d.status, d.state, d.observed_generation, d.scaled, d.routed_revisions, d.routed_percents,
                d.deleting IS NOT NULL AS is_deleting, clock_timestamp() AS now
            FROM deployments.deployments AS d WHERE d.deleted IS NULL AND d.id \(of)
            """,
            "SELECT deployment, revision, percent FROM deployments.shares WHERE deployment \(of)",
            """
            SELECT v.deployment, v.number, v.image_name || ':' || v.image_version AS image, v.digest, v.stage,
                v.stage_message, v.settings
            FROM deployments.revisions AS v JOIN deployments.deployments AS d
                ON d.id = v.deployment AND d.deleted IS NULL
            WHERE v.deployment \(of) AND (v.number = d.newest OR v.number = ANY(d.routed_revisions)
                OR EXISTS (SELECT FROM deployments.shares AS s WHERE s.deployment = d.id AND s.revision = v.number)
                OR EXISTS (SELECT FROM deployments.replicas AS r WHERE r.deployment = d.id AND r.revision = v.number)
                OR EXISTS (SELECT FROM deployments.rollouts AS o
                    WHERE o.deployment = d.id AND o.ended IS NULL AND o.to_revision = v.number))
            """,
            """
            SELECT id, deployment, revision, state, address, sealed_key, restarts, next_attempt, message, started, ready,
                draining
            FROM deployments.replicas WHERE deployment \(of) ORDER BY created, id
            """,
            """
            SELECT o.id, o.deployment, o.from_revision, o.to_revision, o.plan, o.state, o.percent, o.message,
                o.step_since, o.baseline, o.ended IS NOT NULL AS is_over
            FROM deployments.deployments AS d CROSS JOIN LATERAL (
                SELECT * FROM deployments.rollouts AS r WHERE r.deployment = d.id ORDER BY r.id DESC LIMIT 1) AS o
            WHERE d.deleted IS NULL AND d.id \(of)
            """,
            ControlReader.reports("p.deployment \(of)"),
        ])
        guard answers.count == 6 else { return [:] }
        var records: [Int64: ControlRecord] = [:]
        for row in answers[0] {
            let record = try ControlRecord(row)
            records[record.id] = record
        }
        for (id, revision, percent) in try answers[1].all((Int64, Int32, Int32).self) {
            records[id]?.desired.shares.append(Share(revision: Int(revision), percent: Int(percent)))
        }
        for row in answers[2] { try records[row.decode("deployment")]?.takeRevision(row) }
        for row in answers[3] { try records[row.decode("deployment")]?.takeReplica(row) }
        for row in answers[4] { try records[row.decode("deployment")]?.takeRollout(row) }
        for report in try answers[5].all(CounterRow.self) {
            records[report.deployment]?.counters[report.key] = report.reading
        }
        return records
    }

    /// What routers reported since then.
    func reports(since: Moment) async throws -> [CounterRow] {
        let from = PostgresTimestamp(microseconds: since.microseconds)
        return try await pool.read(ControlReader.reports("p.reported >= \(from)")).all(CounterRow.self)
    }

    private static func reports(_ condition: PostgresQuery) -> PostgresQuery {
        """
        SELECT p.router, p.deployment, p.report, p.reported,
            coalesce(r.seen < clock_timestamp() - interval '30 seconds', false) AS is_stale
        FROM deployments.router_reports AS p LEFT JOIN deployments.routers AS r ON r.router = p.router
        WHERE \(condition)
        """
    }
}

/// What a router counted of a revision.
struct CounterRow: PostgresRowDecodable, Sendable {
    let deployment: Int64
    let key: CounterKey
    let reading: CounterReading

    init(row: PostgresRow) throws {
        deployment = try row.decode("deployment")
        let bytes: [UInt8] = try row.decode("report")
        let report = try Slipway.Routing.V1.RouteReport(serialized: bytes[...])
        key = CounterKey(router: "\(try row.decode("router", as: PostgresUUID.self))", revision: Int(report.revision))
        let at: PostgresTimestamp = try row.decode("reported")
        reading = CounterReading(
            report, at: Moment(microseconds: at.microseconds), isStale: try row.decode("is_stale"))
    }
}

extension ControlRecord {
    fileprivate init(_ row: PostgresRow) throws {
        id = try row.decode("id")
        let place: PostgresUUID = try row.decode("workspace")
        workspace = Workspace(
            id: EntityID(high: place.high, low: place.low), name: try row.decode("workspace_name"))
        name = try row.decode("name")
        target = try row.decode("target")
        principal = try row.decode("principal")
        desired = DesiredDeployment(
            generation: try row.decode("generation"), isDeleting: try row.decode("is_deleting"),
            newest: Int(try row.decode("newest", as: Int32.self)), revisions: [], shares: [],
            scaled: Int(try row.decode("scaled", as: Int32.self)))
        goals = ScalingGoals(try V1.Scaling(serialized: try row.decode("scaling", as: [UInt8].self)[...]))
        let revisions: [Int32] = try row.decode("routed_revisions")
        let percents: [Int32] = try row.decode("routed_percents")
        routed = zip(revisions, percents).map { Share(revision: Int($0), percent: Int($1)) }.normal
        let bytes: [UInt8] = try row.decode("status")
        status = try V1.DeploymentStatus(serialized: bytes[...])
        if !bytes.isEmpty {
            report = StatusReport(
                status, state: try row.decode("state"), generation: try row.decode("observed_generation"))
        }
        now = try ControlRecord.moment(row, "now") ?? Moment(microseconds: 0)
    }

    private static func moment(_ row: PostgresRow, _ column: String) throws -> Moment? {
        try row.decode(column, as: PostgresTimestamp?.self).map { Moment(microseconds: $0.microseconds) }
    }

    fileprivate mutating func takeRevision(_ row: PostgresRow) throws {
        let number = Int(try row.decode("number", as: Int32.self))
        let settings = try V1.ReplicaSettings(serialized: try row.decode("settings", as: [UInt8].self)[...])
        revisions[number] = Revision(
            imageName: "\(workspace.name)/\(try row.decode("image", as: String.self))",
            digest: try row.decode("digest", as: [UInt8]?.self) ?? [], settings: settings)
        desired.revisions.append(
            DesiredRevision(
                number: number, stage: try row.decode("stage"), message: try row.decode("stage_message"),
                settings: settings))
    }

    fileprivate mutating func takeReplica(_ row: PostgresRow) throws {
        let id = "\(try row.decode("id", as: PostgresUUID.self))"
        let state: Int16 = try row.decode("state")
        rows.append(
            ReplicaRow(
                id: id, revision: Int(try row.decode("revision", as: Int32.self)),
                state: ReplicaRow.State(rawValue: state) ?? .pending,
                restarts: Int(try row.decode("restarts", as: Int32.self)),
                nextAttempt: try ControlRecord.moment(row, "next_attempt"), message: try row.decode("message"),
                startedAt: try ControlRecord.moment(row, "started"), readyAt: try ControlRecord.moment(row, "ready"),
                drainingAt: try ControlRecord.moment(row, "draining")))
        replicas[id] = Replica(sealedKey: try row.decode("sealed_key"), address: try row.decode("address"))
    }

    fileprivate mutating func takeRollout(_ row: PostgresRow) throws {
        let isOver: Bool = try row.decode("is_over")
        let plan = try V1.RolloutPlan(serialized: try row.decode("plan", as: [UInt8].self)[...])
        let state: Int16 = try row.decode("state")
        var found = RolloutState(
            from: Int(try row.decode("from_revision", as: Int32.self)),
            to: Int(try row.decode("to_revision", as: Int32.self)), rules: RolloutRules(plan),
            phase: RolloutState.Phase(rawValue: state) ?? .preparing,
            percent: Int(try row.decode("percent", as: Int32.self)), message: try row.decode("message"),
            stepSince: try ControlRecord.moment(row, "step_since"))
        guard !isOver else {
            desired.lastRollout = found
            return
        }
        baseline = RolloutBaseline(bytes: try row.decode("baseline"))
        found.base = baseline?.base
        rollout = try row.decode("id")
        desired.rollout = found
    }
}
