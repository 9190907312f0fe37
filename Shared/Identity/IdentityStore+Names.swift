import Access
import Postgres

extension IdentityStore {
    /// A principal by what people call it: `ada`, or `person:ada`.
    /// - Throws: `IdentityError.notFound`, also where it is one of another kind.
    public func principal(named name: String) async throws -> PrincipalRecord {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let kind = parts.count == 2 ? String(parts[0]) : nil
        let found = try await pool.read(
            """
            SELECT id, kind, name, created, disabled, EXISTS (
                SELECT FROM identity.administrators AS a WHERE a.principal = p.id) AS administrator
            FROM identity.principals AS p
            WHERE name = \(String(parts.last ?? "")) AND (\(kind) IS NULL OR kind = \(kind))
            """
        ).all(PrincipalRecord.self)
        guard let record = found.first else { throw IdentityError.notFound("principal", name) }
        return record
    }

    /// - Throws: `IdentityError.notFound`.
    public func workspace(named name: String) async throws -> WorkspaceRecord {
        let found = try await pool.read(
            "SELECT id, name, created, archived FROM identity.workspaces WHERE name = \(name)"
        ).all(WorkspaceRecord.self)
        guard let record = found.first else { throw IdentityError.notFound("workspace", name) }
        return record
    }

    /// A token, and whose it is.
    /// - Throws: `IdentityError.notFound`.
    public func token(_ id: String) async throws -> (token: TokenRecord, principal: Principal) {
        let rows = try await pool.read(
            """
            SELECT t.id, t.name, w.name AS workspace, t.ceiling, t.created, t.expires, t.revoked, t.last_used,
                p.id AS principal, p.kind, p.name AS principal_name
            FROM identity.tokens AS t JOIN identity.principals AS p ON p.id = t.principal
            LEFT JOIN identity.workspaces AS w ON w.id = t.workspace WHERE t.id = \(id)
            """
        ).all(OwnedToken.self)
        guard let found = rows.first else { throw IdentityError.notFound("token", id) }
        return (found.token, found.principal)
    }
}

private struct OwnedToken: PostgresRowDecodable {
    let token: TokenRecord
    let principal: Principal

    init(row: PostgresRow) throws {
        token = try TokenRecord(row: row)
        let kind: String = try row.decode("kind")
        guard let known = PrincipalKind(rawValue: kind) else {
            throw PostgresError(.usage, "the kind of principal \"\(kind)\" is unknown to this program")
        }
        principal = Principal(
            id: EntityID(try row.decode("principal")), kind: known, name: try row.decode("principal_name"))
    }
}
