public import ResourceKit
import Access
public import Blobs
public import Contracts
public import Loop
public import Postgres
import Journal
import RPC
import ServiceKit

/// Models, their versions, aliases and lineage, in the database. Every change is one transaction with its row of the
/// journal. Whether a caller may make it was decided before: nothing here checks roles.
///
/// A value to pass around; any number of tasks may use it. Errors that callers can mend are `RPCError`, those of the
/// database `PostgresError`, those of the store of blobs `BlobError`.
public struct RegistryStore: Sendable {
    let pool: PostgresPool
    let blobs: any BlobStore
    let recogniser: ModelRecogniser
    let compute: ComputePool?
    var searchLimits = SearchLimits()

    /// - Parameter compute: where requests of many files are looked through; on the caller's loop where nil.
    public init(
        _ pool: PostgresPool, blobs: any BlobStore, recogniser: ModelRecogniser = .none, compute: ComputePool? = nil
    ) {
        self.pool = pool
        self.blobs = blobs
        self.recogniser = recogniser
        self.compute = compute
    }

    /// Runs a statement that is a transaction of its own; again where the server asks for it.
    func write(_ query: PostgresQuery) async throws -> PostgresRows {
        var attempt = 0
        while true {
            attempt += 1
            do { return try await pool.query(query) } catch let error as PostgresError
                where error.kind == .server && error.isRetryable && attempt < 10
            {
                try Task.checkCancellation()
            }
        }
    }
}

/// Says what files are. What it says is kept with the files, so that it is asked once for each set of them.
public struct ModelRecogniser: Sendable {
    /// Grows when it learns something: what an older one said is asked anew.
    public let generation: Int32
    /// The format, signature, origin, licence and warnings that the files themselves tell. Everything else of what it
    /// returns is left alone. The files' blobs are held while it runs.
    public let describe: @Sendable ([Slipway.Models.V1.ModelFile]) async throws -> Slipway.Models.V1.ModelVersion

    public init(
        generation: Int32,
        _ describe: @escaping @Sendable ([Slipway.Models.V1.ModelFile]) async throws -> Slipway.Models.V1.ModelVersion
    ) {
        self.generation = generation
        self.describe = describe
    }

    /// Recognises nothing.
    public static let none = ModelRecogniser(generation: 0) { _ in Slipway.Models.V1.ModelVersion() }
}

/// Where a change is made, by whom and why.
public typealias RegistryChange = WorkspaceChange

extension WorkspaceChange {
    /// The row of the journal. `before` and `after` are JSON.
    func entry(_ action: String, _ subject: String, before: String? = nil, after: String? = nil) -> JournalEntry {
        journalEntry("model.\(action)", subject, before: before, after: after)
    }
}
