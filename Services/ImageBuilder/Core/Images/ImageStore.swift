public import Access
internal import Blobs
public import Postgres
public import ResourceKit
internal import Journal
internal import RPC

/// Images, their aliases and users, in the database. Every change is one transaction with its row of the journal. Whether a
/// caller may make it was decided before: nothing here checks roles.
///
/// A value to pass around; any number of tasks may use it. Errors that callers can mend are `RPCError`, those of the
/// database `PostgresError`.
public struct ImageStore: Sendable {
    let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// Those of the blobs that an image of the workspace has: whoever builds there could read them anyway.
    func held(_ digests: [BlobDigest], in workspace: Workspace) async throws -> Set<BlobDigest> {
        let found = try await pool.read(
            """
            SELECT given.digest FROM unnest(\(digests.map(\.bytes))) AS given (digest)
            WHERE EXISTS (SELECT FROM images.image_blobs AS b JOIN images.images AS i ON i.id = b.image
                WHERE b.digest = given.digest AND i.workspace = \(workspace.databaseID))
            """
        ).all([UInt8].self)
        return Set(found.compactMap { BlobDigest(bytes: $0) })
    }
}

/// Where a change is made, by whom and why, and in whose name the registry hears of what follows from it.
public struct ImageChange: Sendable {
    public let change: WorkspaceChange
    public let principal: EntityID

    public init(_ change: WorkspaceChange, principal: EntityID) {
        self.change = change
        self.principal = principal
    }

    var workspace: Workspace { change.workspace }
    var workspaceID: PostgresUUID { change.workspaceID }
    var actor: String { change.actor }
    var reason: String { change.reason }

    func entry(_ action: String, _ subject: String, before: String? = nil, after: String? = nil) -> JournalEntry {
        change.journalEntry("image.\(action)", subject, before: before, after: after)
    }
}

extension ServerContext {
    /// - Throws: `internal` where the method was reached around the access interceptor.
    func imageChange(_ reason: String) throws(RPCError) -> ImageChange {
        guard let principal = caller.principal else {
            throw RPCError(.internal, "the call reached its method without a caller")
        }
        return ImageChange(try change(reason), principal: principal.id)
    }
}
