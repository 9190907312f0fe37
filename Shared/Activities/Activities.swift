import Journal
import Leases
import Loop
import Postgres
import ServiceKit

/// Long operations: started by anybody, run by some worker, followed and cancelled by anybody.
///
/// As a service it hears of changes for all who follow one in this process. Without it they look only now and then.
public final class Activities: Service {
    package static let channel = "slipway_activities"
    /// Who follows looks this often even where nothing was heard.
    static let backstop = Duration.seconds(10)

    public let serviceName = "activities"
    let pool: PostgresPool
    let loop: EventLoop
    let signals: PostgresSignals

    /// - Parameter loop: where those who wait keep their time.
    public init(_ pool: PostgresPool, loop: EventLoop) {
        self.pool = pool
        self.loop = loop
        signals = PostgresSignals(pool, channels: [Activities.channel, Leases.channel])
    }

    /// Makes or updates the tables, also those of the leases. The journal's are the journal's.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await Leases.prepare(configuration, on: loop)
        try await ActivitiesSchema.migrations().apply(configuration, on: loop)
    }

    /// Hears of changes until it is asked to stop.
    public func run() async throws {
        let listening = Task { try await signals.run() }
        try await withTaskCancellationHandler {
            try await StopSignal.withHandler {
                do { try await listening.value } catch is CancellationError {}
            } onStop: {
                listening.cancel()
            }
        } onCancel: {
            listening.cancel()
        }
    }

    /// Starts an activity in the caller's transaction: it exists if and only if the transaction commits.
    /// - Returns: the new activity, or the one that was started with the same key.
    /// - Throws: `ActivityError.invalid`, `PostgresError`.
    public static func start(
        _ request: ActivityRequest, in transaction: PostgresTransaction
    ) async throws -> Activity {
        try request.validate()
        // One that was started with the same key may be removed between the two statements.
        for _ in 0..<3 {
            if let activity = try await insert(request, in: transaction) { return activity }
            let found = try await transaction.query(
                """
                SELECT \(unsafe: Activity.columns) FROM activities.activities
                WHERE workspace = \(request.workspace) AND kind = \(request.kind) AND key = \(request.key)
                """
            ).all(Activity.self)
            if let activity = found.first { return activity }
        }
        throw ActivityError.invalid(field: "key", "activities with this key come and go")
    }

    private static func insert(
        _ request: ActivityRequest, in transaction: PostgresTransaction
    ) async throws -> Activity? {
        let id = PostgresUUID.random()
        let rows = try await transaction.query(
            """
            INSERT INTO activities.activities
                (id, workspace, kind, subject, actor, key, state, input, attempts_max, trace)
            VALUES (\(id), \(request.workspace), \(request.kind), \(request.subject), \(request.actor),
                \(request.key), 'pending', \(request.input), \(request.attemptsMax), \(request.traceID))
            ON CONFLICT (workspace, kind, key) WHERE key IS NOT NULL DO NOTHING
            RETURNING \(unsafe: Activity.columns)
            """)
        guard let activity = try rows.all(Activity.self).first else { return nil }
        try await Leases.offer(activity.leaseKind, "\(id)", in: transaction)
        try await record(activity, "start", actor: request.actor, reason: request.reason, from: nil, in: transaction)
        return activity
    }

    /// Starts an activity in a transaction of its own.
    public func start(_ request: ActivityRequest) async throws -> Activity {
        try await pool.transaction { try await Activities.start(request, in: $0) }
    }

    /// - Parameter workspace: where given, an activity of another one is not found.
    /// - Throws: `ActivityError.notFound`, `PostgresError`.
    public func get(_ id: PostgresUUID, workspace: String? = nil) async throws -> Activity {
        let rows = try await pool.read(
            "SELECT \(unsafe: Activity.columns) FROM activities.activities WHERE id = \(id)")
        guard let activity = try rows.all(Activity.self).first, workspace == nil || activity.workspace == workspace
        else { throw ActivityError.notFound(id) }
        return activity
    }

    /// The activity that was started with the key; nil where there is none, or not any more.
    public func find(kind: String, key: String, workspace: String) async throws -> Activity? {
        try await pool.query(
            """
            SELECT \(unsafe: Activity.columns) FROM activities.activities
            WHERE workspace = \(workspace) AND kind = \(kind) AND key = \(key)
            """
        ).all(Activity.self).first
    }

    /// Asks for the end of an activity. One that waits is cancelled at once; one that runs is told, and its handler's
    /// task is cancelled; one that ended stays as it is.
    /// - Returns: the activity as it is now.
    /// - Throws: `ActivityError.notFound`, `PostgresError`.
    public func cancel(
        _ id: PostgresUUID, workspace: String? = nil, actor: String, reason: String? = nil
    ) async throws -> Activity {
        try await pool.transaction { transaction in
            guard let activity = try await Activities.lock(id, in: transaction),
                workspace == nil || activity.workspace == workspace
            else { throw ActivityError.notFound(id) }
            let state: ActivityState
            switch ActivityRules.step(activity.state, .cancelRequested) {
            case .askToCancel: state = .cancelling
            case .finish(let final, _): state = final
            default: return activity
            }
            // The lease stays: whoever claims it next finds nothing to do and closes it.
            let changed = try await transaction.query(
                """
                UPDATE activities.activities SET state = \(state), cancelled_by = \(actor),
                    finished_at = CASE WHEN \(state.isFinal) THEN clock_timestamp() END
                WHERE id = \(id) RETURNING \(unsafe: Activity.columns)
                """
            ).all(Activity.self)
            guard let changed = changed.first else { throw ActivityError.notFound(id) }
            try await Activities.record(
                changed, state.isFinal ? "finish" : "cancel", actor: actor, reason: reason, from: activity.state,
                in: transaction)
            return changed
        }
    }

    /// Reads the activity and lets nobody change it until the transaction ends.
    static func lock(_ id: PostgresUUID, in transaction: PostgresTransaction) async throws -> Activity? {
        try await transaction.query(
            "SELECT \(unsafe: Activity.columns) FROM activities.activities WHERE id = \(id) FOR NO KEY UPDATE"
        ).all(Activity.self).first
    }
}

extension Activity {
    var leaseKind: String { Activity.leaseKind(kind) }

    static func leaseKind(_ kind: String) -> String { "activity:\(kind)" }
}
