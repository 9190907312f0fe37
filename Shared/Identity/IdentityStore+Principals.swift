import Access
import Postgres

extension IdentityStore {
    public func createPrincipal(
        _ name: String, kind: PrincipalKind, by change: IdentityChange
    ) async throws -> Principal {
        try IdentityName.check(principal: name)
        // Nothing that anybody could have found before is touched.
        return try await naming("principal", name) {
            try await pool.transaction { transaction in
                let id = try await transaction.query(
                    "INSERT INTO identity.principals (kind, name) VALUES (\(kind.rawValue), \(name)) RETURNING id"
                ).all(PostgresUUID.self)[0]
                let principal = Principal(id: EntityID(id), kind: kind, name: name)
                try await change.record(
                    "principal.create", "principals/\(name)", after: [("kind", kind.rawValue)], in: transaction)
                return principal
            }
        }
    }

    /// Keeps a principal from signing in, or lets it again. Its tokens stay, and count for nothing meanwhile.
    /// - Throws: `IdentityError.lastOwner`, `.lastAdministrator`.
    public func setDisabled(_ isDisabled: Bool, _ id: EntityID, by change: IdentityChange) async throws {
        try await self.change(.principal(id)) { transaction in
            if isDisabled {
                try await lockAdministrators(transaction)
                try await lockOwned(by: id, transaction)
            }
            let record = try await principal(id, in: transaction)
            guard (record.disabled != nil) != isDisabled else { return }
            if isDisabled {
                if record.isAdministrator { try await requireAdministrator(beside: id, transaction) }
                try await requireOwners(beside: id, transaction)
            }
            try await transaction.execute(
                """
                UPDATE identity.principals SET disabled = CASE WHEN \(isDisabled) THEN now() END
                WHERE id = \(PostgresUUID(id))
                """)
            try await change.record(
                isDisabled ? "principal.disable" : "principal.enable", "principals/\(record.principal.name)",
                in: transaction)
        }
    }

    /// Makes a principal an administrator of the suite, or no longer one.
    /// - Throws: `IdentityError.lastAdministrator`.
    public func setAdministrator(_ isAdministrator: Bool, _ id: EntityID, by change: IdentityChange) async throws {
        try await self.change(.principal(id)) { transaction in
            try await lockAdministrators(transaction)
            let record = try await principal(id, in: transaction)
            guard record.isAdministrator != isAdministrator else { return }
            if isAdministrator {
                try await transaction.execute(
                    "INSERT INTO identity.administrators (principal) VALUES (\(PostgresUUID(id)))")
            } else {
                try await requireAdministrator(beside: id, transaction)
                try await transaction.execute(
                    "DELETE FROM identity.administrators WHERE principal = \(PostgresUUID(id))")
            }
            try await change.record(
                isAdministrator ? "administrator.add" : "administrator.remove", "principals/\(record.principal.name)",
                in: transaction)
        }
    }

    /// Lets whoever proves a certificate of that name be the principal; nobody where nil. Names are
    /// `PeerCertificate.accessNames`.
    public func setCertificate(_ name: String, _ id: EntityID?, by change: IdentityChange) async throws {
        try IdentityName.check(certificate: name)
        try await self.change(.everything) { transaction in
            let before = try await transaction.query(
                """
                SELECT p.name FROM identity.certificates AS c JOIN identity.principals AS p ON p.id = c.principal
                WHERE c.name = \(name) FOR UPDATE OF c
                """
            ).all(String.self).first
            var after: String?
            if let id {
                after = try await principal(id, in: transaction).principal.name
                try await transaction.execute(
                    """
                    INSERT INTO identity.certificates (name, principal) VALUES (\(name), \(PostgresUUID(id)))
                    ON CONFLICT (name) DO UPDATE SET principal = excluded.principal
                    """)
            } else {
                try await transaction.execute("DELETE FROM identity.certificates WHERE name = \(name)")
            }
            guard before != after else { return }
            try await change.record(
                "certificate.set", "certificates/\(name)", before: [("principal", before)],
                after: [("principal", after)], in: transaction)
        }
    }

    public func principals() async throws -> [PrincipalRecord] {
        try await pool.read(
            """
            SELECT id, kind, name, created, disabled, EXISTS (
                SELECT FROM identity.administrators AS a WHERE a.principal = p.id) AS administrator
            FROM identity.principals AS p ORDER BY name
            """
        ).all(PrincipalRecord.self)
    }

    // MARK: somebody must be left

    /// One change of administrators at a time.
    func lockAdministrators(_ transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('slipway identity administrators', 0))")
    }

    private func requireAdministrator(beside id: EntityID, _ transaction: PostgresTransaction) async throws {
        let others = try await transaction.query(
            """
            SELECT count(*) FROM identity.administrators AS a JOIN identity.principals AS p ON p.id = a.principal
            WHERE p.disabled IS NULL AND p.id <> \(PostgresUUID(id))
            """
        ).all(Int.self)
        guard others.first ?? 0 > 0 else { throw IdentityError.lastAdministrator }
    }

    /// In one order, so that two such changes can't wait for each other.
    private func lockOwned(by id: EntityID, _ transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            """
            SELECT FROM identity.workspaces WHERE id IN (
                SELECT workspace FROM identity.members WHERE principal = \(PostgresUUID(id)) AND role = 'owner')
            ORDER BY id FOR UPDATE
            """)
    }

    private func requireOwners(beside id: EntityID, _ transaction: PostgresTransaction) async throws {
        let orphans = try await transaction.query(
            """
            SELECT w.name FROM identity.members AS m JOIN identity.workspaces AS w ON w.id = m.workspace
            WHERE m.principal = \(PostgresUUID(id)) AND m.role = 'owner' AND NOT EXISTS (
                SELECT FROM identity.members AS o JOIN identity.principals AS p ON p.id = o.principal
                WHERE o.workspace = m.workspace AND o.role = 'owner' AND o.principal <> m.principal
                    AND p.disabled IS NULL)
            ORDER BY w.name LIMIT 1
            """
        ).all(String.self)
        if let orphan = orphans.first { throw IdentityError.lastOwner(workspace: orphan) }
    }
}
