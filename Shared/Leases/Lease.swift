import Loop
import Postgres

/// The right to do some named work, for a while and alone.
public struct Lease: Hashable, Sendable {
    public let kind: String
    public let name: String
    /// Who holds it, for people.
    public let holder: String
    /// Larger than that of every holder before. Whoever writes somewhere else than in this database sends it along, and
    /// refuses there what comes with a smaller one.
    public let fence: Int64
    /// How long it lasts after each renewal.
    public let duration: Duration
    /// Not later than when the database began to count, on the clock of this process.
    let heldSince: LoopInstant

    var lost: LeaseError { .lost(kind: kind, name: name, fence: fence) }

    /// Makes the transaction fail unless the lease is held, and nobody take it over until the transaction ends. First
    /// thing in every transaction that changes what the lease protects.
    ///
    /// It holds even where this process was stopped for longer than the lease lasted. Renewals go on meanwhile.
    /// - Throws: `LeaseError.lost`, `PostgresError`.
    public func assertHeld(in transaction: PostgresTransaction) async throws {
        let rows = try await transaction.query(
            """
            SELECT fence = \(fence) AND holder IS NOT NULL FROM leases.leases
            WHERE kind = \(kind) AND name = \(name) FOR KEY SHARE
            """)
        guard try rows.all(Bool?.self).first == true else { throw lost }
    }
}

/// What a look for work found.
public struct LeaseClaims: Sendable {
    public let leases: [Lease]
    /// Where there was less than asked for: when the next may be claimed, as far as is known now. Nil where nothing is.
    public let nextAfter: Duration?
}
