import Access
import Postgres

/// What the database says of a credential: one row, of one moment.
struct GrantsRecord: PostgresRowDecodable {
    let principal: Principal
    let digest: SHA256Digest?
    let found: FoundPrincipal
    /// Until the token expires; nil where it never does.
    let timeLeft: Duration?
    /// The token's last use is long enough ago to be written down anew.
    let isUseOld: Bool

    static func find(token id: String, in pool: PostgresPool) async throws -> GrantsRecord? {
        try await pool.read(
            """
            SELECT t.id AS token, t.digest, t.workspace AS bound, t.ceiling,
                p.disabled IS NOT NULL OR t.revoked IS NOT NULL OR coalesce(t.expires <= now(), false) AS lapsed,
                extract(epoch FROM t.expires - now())::float8 AS seconds_left,
                coalesce(t.last_used < now() - interval '10 minutes', true) AS use_is_old, \(principalColumns)
            FROM identity.tokens AS t JOIN identity.principals AS p ON p.id = t.principal \(places) WHERE t.id = \(id)
            """
        ).all(GrantsRecord.self).first
    }

    /// The principal of the first of the names that is anybody's.
    static func find(certificates names: [String], in pool: PostgresPool) async throws -> GrantsRecord? {
        try await pool.read(
            """
            SELECT NULL::text AS token, NULL::bytea AS digest, NULL::uuid AS bound, NULL::text AS ceiling,
                p.disabled IS NOT NULL AS lapsed, NULL::float8 AS seconds_left, false AS use_is_old, \(principalColumns)
            FROM identity.certificates AS c JOIN identity.principals AS p ON p.id = c.principal \(places)
            WHERE c.name = ANY(\(names)) ORDER BY array_position(\(names), c.name) LIMIT 1
            """
        ).all(GrantsRecord.self).first
    }

    /// Columns of the principal `p` and of its places, as arrays that go together.
    private static var principalColumns: PostgresQuery {
        """
        p.id, p.kind, p.name, EXISTS (
            SELECT FROM identity.administrators AS a WHERE a.principal = p.id) AS administrator,
        places.ids, places.names, places.archived, places.roles
        """
    }

    private static var places: PostgresQuery {
        """
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(w.id), '{}') AS ids, coalesce(array_agg(w.name), '{}') AS names,
                coalesce(array_agg(w.archived IS NOT NULL), '{}') AS archived, coalesce(array_agg(m.role), '{}') AS roles
            FROM identity.members AS m JOIN identity.workspaces AS w ON w.id = m.workspace
            WHERE m.principal = p.id
        ) AS places
        """
    }

    init(row: PostgresRow) throws {
        let kind: String = try row.decode("kind")
        guard let known = PrincipalKind(rawValue: kind) else {
            throw PostgresError(.usage, "the kind of principal \"\(kind)\" is unknown to this program")
        }
        principal = Principal(id: EntityID(try row.decode("id")), kind: known, name: try row.decode("name"))
        digest = try row.decode("digest", as: [UInt8]?.self).flatMap { SHA256Digest(bytes: $0) }
        timeLeft = try row.decode("seconds_left", as: Double?.self).map { .seconds($0) }
        isUseOld = try row.decode("use_is_old")
        if try row.decode("lapsed", as: Bool.self) {
            found = .lapsed
            return
        }
        found = .granted(
            Grants(
                principal: principal, isAdministrator: try row.decode("administrator"),
                memberships: try GrantsRecord.memberships(row), token: try GrantsRecord.limits(row)))
    }

    private static func limits(_ row: PostgresRow) throws -> TokenLimits? {
        guard let id: String = try row.decode("token", as: String?.self) else { return nil }
        let bound: PostgresUUID? = try row.decode("bound")
        // A ceiling that this program does not know is the lowest that there is.
        let ceiling = try row.decode("ceiling", as: String?.self).map { Role($0) ?? .none }
        return TokenLimits(id: id, workspace: bound.map { EntityID($0) }, ceiling: ceiling)
    }

    private static func memberships(_ row: PostgresRow) throws -> [Membership] {
        let ids: [PostgresUUID] = try row.decode("ids")
        let names: [String] = try row.decode("names")
        let archived: [Bool] = try row.decode("archived")
        let roles: [String] = try row.decode("roles")
        return zip(zip(ids, names), zip(archived, roles)).map { place, standing in
            Membership(
                Workspace(id: EntityID(place.0), name: place.1, isArchived: standing.0), Role(standing.1) ?? .none)
        }
    }
}
