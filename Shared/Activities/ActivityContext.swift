import Leases
import Loop
import Postgres

/// What a handler gets: the activity, and how to say how far it is. From any task of the handler's.
public struct ActivityContext: Sendable {
    /// As it was when this attempt began.
    public let activity: Activity
    /// Its fence goes with whatever is changed outside of this database.
    public let lease: Lease
    let pool: PostgresPool
    let outbox: ActivityOutbox

    /// What an earlier attempt saved last.
    public var checkpoint: PostgresJSON? { activity.checkpoint }

    /// Says how far the work is. Returns at once: what is said often is written now and then, the last always.
    public func report(_ progress: ActivityProgress) { outbox.report(progress) }

    public func report(fraction: Double? = nil, step: String = "", message: String = "") {
        report(ActivityProgress(fraction: fraction, step: step, message: message))
    }

    /// Adds to the log; each line of the text is one of the log's. Suspends while much waits to be written.
    public func log(_ text: String) async { await outbox.log(text) }

    /// Runs `body` in a transaction that commits only while this attempt is the one that counts: of two processes that
    /// both believe to run the activity, one is refused.
    /// - Throws: `LeaseError.lost`, and as `PostgresPool.transaction`. After `outcomeUnknown` the checkpoint says whether
    ///   it was committed, where it was saved with it: that is best left to the next attempt.
    @discardableResult
    public func transaction<Outcome>(
        isolation: PostgresIsolation = .readCommitted, _ body: (PostgresTransaction) async throws -> Outcome
    ) async throws -> Outcome {
        try await pool.transaction(isolation: isolation) { transaction in
            try await lease.assertHeld(in: transaction)
            return try await body(transaction)
        }
    }

    /// Saves where the next attempt goes on, together with what the transaction changes: each is done once.
    public func save(_ checkpoint: PostgresJSON, in transaction: PostgresTransaction) async throws {
        try ActivityRequest.check("checkpoint", checkpoint)
        try await transaction.execute(
            "UPDATE activities.activities SET checkpoint = \(checkpoint) WHERE id = \(activity.id)")
    }

    public func save(_ checkpoint: PostgresJSON) async throws {
        try await transaction { try await save(checkpoint, in: $0) }
    }
}
