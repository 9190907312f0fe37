import Access
import Loop
import Postgres

/// Principals, workspaces, their members and their tokens, in the database. Every change is one transaction with its row of
/// the journal. Whether a caller may make it was decided before: nothing here checks roles.
///
/// Errors that callers can mend are `IdentityError`; all others are `PostgresError`.
public struct IdentityStore: Sendable {
    let pool: PostgresPool
    private let source: IdentitySource?

    /// - Parameter source: what this process knows its callers by. When a change returns, the source counts on nothing
    ///   older than it, so that whoever made the change meets it with the next call; other processes hear of it a moment
    ///   later.
    public init(_ pool: PostgresPool, source: IdentitySource? = nil) {
        self.pool = pool
        self.source = source
    }

    /// Makes or updates the tables. The journal's must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await IdentitySchema.migrations().apply(configuration, on: loop)
    }

    /// Runs a change, and tells the source what it touches: afterwards, since what is read meanwhile is of before, and also
    /// where it fails, since a commit without an answer may have happened.
    func change<Result>(
        _ news: IdentityNews, _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        defer { source?.forget(news) }
        return try await pool.transaction(body)
    }

    /// Says what is taken where a name came twice at the same moment.
    func naming<Result>(_ what: String, _ name: String, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as PostgresError where error.code == .uniqueViolation {
            throw IdentityError.taken(what, name)
        }
    }

    func tell(_ news: IdentityNews) { source?.forget(news) }

    /// A principal, locked against being changed until the transaction ends.
    func principal(_ id: EntityID, in transaction: PostgresTransaction) async throws -> PrincipalRecord {
        let found = try await transaction.query(
            """
            SELECT id, kind, name, created, disabled, EXISTS (
                SELECT FROM identity.administrators AS a WHERE a.principal = p.id) AS administrator
            FROM identity.principals AS p WHERE id = \(PostgresUUID(id)) FOR UPDATE OF p
            """
        ).all(PrincipalRecord.self)
        guard let principal = found.first else { throw IdentityError.notFound("principal", "\(id)") }
        return principal
    }

    /// A workspace, locked against being changed until the transaction ends: who its owners are is decided under it.
    func workspace(_ id: EntityID, in transaction: PostgresTransaction) async throws -> WorkspaceRecord {
        let found = try await transaction.query(
            "SELECT id, name, created, archived FROM identity.workspaces WHERE id = \(PostgresUUID(id)) FOR UPDATE"
        ).all(WorkspaceRecord.self)
        guard let workspace = found.first else { throw IdentityError.notFound("workspace", "\(id)") }
        return workspace
    }
}

/// A principal as the database holds it.
public struct PrincipalRecord: Sendable, PostgresRowDecodable {
    public let principal: Principal
    public let created: PostgresTimestamp
    /// Since when it can't sign in any more.
    public let disabled: PostgresTimestamp?
    public let isAdministrator: Bool

    public init(row: PostgresRow) throws {
        let kind: String = try row.decode("kind")
        guard let known = PrincipalKind(rawValue: kind) else {
            throw PostgresError(.usage, "the kind of principal \"\(kind)\" is unknown to this program")
        }
        principal = Principal(id: EntityID(try row.decode("id")), kind: known, name: try row.decode("name"))
        created = try row.decode("created")
        disabled = try row.decode("disabled")
        isAdministrator = try row.decode("administrator")
    }
}

/// A workspace as the database holds it.
public struct WorkspaceRecord: Sendable, PostgresRowDecodable {
    public let workspace: Workspace
    public let created: PostgresTimestamp
    public let archived: PostgresTimestamp?

    public init(row: PostgresRow) throws {
        created = try row.decode("created")
        archived = try row.decode("archived")
        workspace = Workspace(
            id: EntityID(try row.decode("id")), name: try row.decode("name"), isArchived: archived != nil)
    }
}
