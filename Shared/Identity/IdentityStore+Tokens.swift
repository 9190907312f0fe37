import Access
import Postgres
import ServiceKit

/// What a new token is for and how far it reaches.
public struct TokenRequest: Sendable {
    public var principal: EntityID
    /// What it is for, for people who clean up.
    public var name: String
    /// How long it counts; for ever where nil.
    public var lifetime: Duration?
    /// The only workspace in which it counts; every one where nil.
    public var workspace: EntityID?
    /// The highest role that it has anywhere; the principal's own where nil.
    public var ceiling: Role?

    public init(
        _ principal: EntityID, name: String, lifetime: Duration? = nil, workspace: EntityID? = nil, ceiling: Role? = nil
    ) {
        self.principal = principal
        self.name = name
        self.lifetime = lifetime
        self.workspace = workspace
        self.ceiling = ceiling
    }
}

/// A token that was just made. Its text can't be had again.
public struct IssuedToken: Sendable {
    public let id: String
    public let text: Secret
}

/// A token as the database holds it: everything but what makes it one.
public struct TokenRecord: Sendable, PostgresRowDecodable {
    public let id: String
    public let name: String
    public let workspace: String?
    public let ceiling: Role?
    public let created: PostgresTimestamp
    public let expires: PostgresTimestamp?
    public let revoked: PostgresTimestamp?
    /// To ten minutes.
    public let lastUsed: PostgresTimestamp?

    public init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        workspace = try row.decode("workspace")
        ceiling = try row.decode("ceiling", as: String?.self).flatMap { Role($0) }
        created = try row.decode("created")
        expires = try row.decode("expires")
        revoked = try row.decode("revoked")
        lastUsed = try row.decode("last_used")
    }
}

extension IdentityStore {
    /// Makes a token. It never reaches further than its principal: what that loses, the token loses.
    public func issueToken(_ request: TokenRequest, by change: IdentityChange) async throws -> IssuedToken {
        try IdentityName.check(token: request.name)
        if let lifetime = request.lifetime, lifetime <= .zero || lifetime > .seconds(100 * 366 * 86400) {
            throw IdentityError.malformed(field: "lifetime", "it is longer than nothing and at most a hundred years")
        }
        if request.ceiling == Role.none {
            throw IdentityError.malformed(field: "ceiling", "it is reader, contributor or owner")
        }
        let issued = try await pool.transaction { try await insertToken(request, change, $0) }
        // Its number may have been guessed at before.
        tell(IdentityNews(token: issued.id))
        return issued
    }

    func insertToken(
        _ request: TokenRequest, _ change: IdentityChange, _ transaction: PostgresTransaction
    ) async throws -> IssuedToken {
        var place: Workspace?
        if let id = request.workspace { place = try await workspace(id, in: transaction).workspace }
        let principal = try await principal(request.principal, in: transaction).principal
        let (text, proof) = AccessToken.make(principal.kind)
        let seconds = request.lifetime.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 }
        let expires = try await transaction.query(
            """
            INSERT INTO identity.tokens (id, principal, name, digest, workspace, ceiling, expires)
            VALUES (\(proof.id), \(PostgresUUID(principal.id)), \(request.name), \(proof.digest.bytes),
                \(place.map { PostgresUUID($0.id) }), \(request.ceiling?.description),
                now() + \(seconds) * interval '1 second')
            RETURNING expires
            """
        ).all(PostgresTimestamp?.self)[0]
        try await change.record(
            "token.issue", "tokens/\(proof.id)", workspace: place?.name,
            after: [
                ("principal", principal.name), ("name", request.name), ("workspace", place?.name),
                ("ceiling", request.ceiling?.description), ("expires", expires?.description),
            ], in: transaction)
        return IssuedToken(id: proof.id, text: text)
    }

    /// Ends a token at once and for good. Nothing happens to one that is revoked already.
    /// - Parameter id: the public part.
    public func revokeToken(_ id: String, by change: IdentityChange) async throws {
        try await self.change(IdentityNews(token: id)) { transaction in
            let found = try await transaction.query(
                """
                SELECT p.name, t.revoked IS NOT NULL, w.name FROM identity.tokens AS t
                JOIN identity.principals AS p ON p.id = t.principal
                LEFT JOIN identity.workspaces AS w ON w.id = t.workspace WHERE t.id = \(id) FOR UPDATE OF t
                """
            ).all((String, Bool, String?).self)
            guard let (principal, isRevoked, workspace) = found.first else {
                throw IdentityError.notFound("token", id)
            }
            guard !isRevoked else { return }
            try await transaction.execute("UPDATE identity.tokens SET revoked = now() WHERE id = \(id)")
            try await change.record(
                "token.revoke", "tokens/\(id)", workspace: workspace, before: [("principal", principal)],
                in: transaction)
        }
    }

    /// A principal's tokens, the latest first.
    public func tokens(of principal: EntityID) async throws -> [TokenRecord] {
        try await pool.read(
            """
            SELECT t.id, t.name, w.name AS workspace, t.ceiling, t.created, t.expires, t.revoked, t.last_used
            FROM identity.tokens AS t LEFT JOIN identity.workspaces AS w ON w.id = t.workspace
            WHERE t.principal = \(PostgresUUID(principal)) ORDER BY t.created DESC, t.id
            """
        ).all(TokenRecord.self)
    }
}
