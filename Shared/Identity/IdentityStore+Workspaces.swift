import Access
import Postgres

/// A member of a workspace.
public struct MemberRecord: Sendable, PostgresRowDecodable {
    public let principal: Principal
    public let role: Role
    public let since: PostgresTimestamp

    public init(row: PostgresRow) throws {
        let kind: String = try row.decode("kind")
        let role: String = try row.decode("role")
        guard let known = PrincipalKind(rawValue: kind), let place = Role(role) else {
            throw PostgresError(.usage, "the \(kind) with the role \"\(role)\" is unknown to this program")
        }
        principal = Principal(id: EntityID(try row.decode("id")), kind: known, name: try row.decode("name"))
        self.role = place
        since = try row.decode("since")
    }
}

extension IdentityStore {
    /// Makes a workspace with its first owner.
    public func createWorkspace(
        _ name: String, owner: EntityID, by change: IdentityChange
    ) async throws -> Workspace {
        try IdentityName.check(workspace: name)
        return try await naming("workspace", name) {
            try await self.change(.principal(owner)) { transaction in
                let owner = try await principal(owner, in: transaction).principal
                return try await insertWorkspace(name, owner, change, transaction)
            }
        }
    }

    func insertWorkspace(
        _ name: String, _ owner: Principal, _ change: IdentityChange, _ transaction: PostgresTransaction
    ) async throws -> Workspace {
        let id = try await transaction.query(
            "INSERT INTO identity.workspaces (name) VALUES (\(name)) RETURNING id"
        ).all(PostgresUUID.self)[0]
        try await transaction.execute(
            """
            INSERT INTO identity.members (workspace, principal, role)
            VALUES (\(id), \(PostgresUUID(owner.id)), \(Role.owner.description))
            """)
        try await change.record(
            "workspace.create", "workspaces/\(name)", workspace: name, after: [("owner", owner.name)], in: transaction)
        return Workspace(id: EntityID(id), name: name)
    }

    /// Makes a workspace one that can be looked at only, or lets it live again. Nothing is removed.
    public func setArchived(_ isArchived: Bool, _ id: EntityID, by change: IdentityChange) async throws {
        try await self.change(.everything) { transaction in
            let workspace = try await workspace(id, in: transaction).workspace
            guard workspace.isArchived != isArchived else { return }
            try await transaction.execute(
                """
                UPDATE identity.workspaces SET archived = CASE WHEN \(isArchived) THEN now() END
                WHERE id = \(PostgresUUID(id))
                """)
            try await change.record(
                isArchived ? "workspace.archive" : "workspace.restore", "workspaces/\(workspace.name)",
                workspace: workspace.name, in: transaction)
        }
    }

    /// Gives a principal a role in a workspace instead of the one it has; `none` makes it no member.
    /// - Throws: `IdentityError.lastOwner`.
    public func setRole(
        _ role: Role, of id: EntityID, in workspace: EntityID, by change: IdentityChange
    ) async throws {
        try await self.change(.principal(id)) { transaction in
            let place = try await self.workspace(workspace, in: transaction).workspace
            let principal = try await principal(id, in: transaction).principal
            let before =
                try await transaction.query(
                    """
                    SELECT role FROM identity.members
                    WHERE workspace = \(PostgresUUID(workspace)) AND principal = \(PostgresUUID(id))
                    """
                ).all(String.self).first.flatMap { Role($0) } ?? Role.none
            guard before != role else { return }
            if before == .owner { try await requireOwner(of: place, beside: id, transaction) }
            if role == .none {
                try await transaction.execute(
                    """
                    DELETE FROM identity.members
                    WHERE workspace = \(PostgresUUID(workspace)) AND principal = \(PostgresUUID(id))
                    """)
            } else {
                try await transaction.execute(
                    """
                    INSERT INTO identity.members (workspace, principal, role)
                    VALUES (\(PostgresUUID(workspace)), \(PostgresUUID(id)), \(role.description))
                    ON CONFLICT (workspace, principal) DO UPDATE SET role = excluded.role
                    """)
            }
            try await change.record(
                "member.set", "workspaces/\(place.name)/members/\(principal.name)", workspace: place.name,
                before: [("role", before.description)], after: [("role", role.description)], in: transaction)
        }
    }

    private func requireOwner(
        of workspace: Workspace, beside id: EntityID, _ transaction: PostgresTransaction
    ) async throws {
        let others = try await transaction.query(
            """
            SELECT count(*) FROM identity.members AS m JOIN identity.principals AS p ON p.id = m.principal
            WHERE m.workspace = \(PostgresUUID(workspace.id)) AND m.role = 'owner' AND p.disabled IS NULL
                AND p.id <> \(PostgresUUID(id))
            """
        ).all(Int.self)
        guard others.first ?? 0 > 0 else { throw IdentityError.lastOwner(workspace: workspace.name) }
    }

    public func members(of workspace: EntityID) async throws -> [MemberRecord] {
        try await pool.read(
            """
            SELECT p.id, p.kind, p.name, m.role, m.since
            FROM identity.members AS m JOIN identity.principals AS p ON p.id = m.principal
            WHERE m.workspace = \(PostgresUUID(workspace)) ORDER BY p.name
            """
        ).all(MemberRecord.self)
    }

    /// Every workspace, or those of one member.
    public func workspaces(of member: EntityID? = nil) async throws -> [WorkspaceRecord] {
        let member = member.map { PostgresUUID($0) }
        return try await pool.read(
            """
            SELECT id, name, created, archived FROM identity.workspaces
            WHERE \(member) IS NULL OR id IN (SELECT workspace FROM identity.members WHERE principal = \(member))
            ORDER BY name
            """
        ).all(WorkspaceRecord.self)
    }
}
