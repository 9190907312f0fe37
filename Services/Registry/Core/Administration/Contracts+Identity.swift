import Access
import Contracts
import Identity
import Postgres
import RPC

// How what the stores hold reads in a contract.

extension Slipway.Workspaces.V1.Workspace {
    init(_ record: WorkspaceRecord) {
        self.init(
            id: "\(record.workspace.id)", name: record.workspace.name, createdAt: .init(record.created),
            archivedAt: record.archived.map { .init($0) })
    }
}

extension Slipway.Workspaces.V1.Member {
    init(_ record: MemberRecord) {
        self.init(
            principal: record.principal.description, role: record.role.contract, since: .init(record.since))
    }
}

extension Slipway.Principals.V1.Principal {
    init(_ record: PrincipalRecord) {
        self.init(
            id: "\(record.principal.id)", kind: record.principal.kind.contract, name: record.principal.name,
            administrator: record.isAdministrator, createdAt: .init(record.created),
            disabledAt: record.disabled.map { .init($0) })
    }
}

extension Slipway.Tokens.V1.Token {
    init(_ record: TokenRecord, of principal: Principal) {
        self.init(
            id: record.id, principal: principal.description, name: record.name, workspace: record.workspace ?? "",
            ceiling: record.ceiling?.contract ?? .unspecified, createdAt: .init(record.created),
            expiresAt: record.expires.map { .init($0) }, revokedAt: record.revoked.map { .init($0) },
            lastUsedAt: record.lastUsed.map { .init($0) })
    }
}

extension PrincipalKind {
    /// Nil where the contract's is none that this program knows.
    init?(_ kind: Slipway.Principals.V1.PrincipalKind) {
        switch kind {
        case .person: self = .person
        case .service: self = .service
        case .deployment: self = .deployment
        default: return nil
        }
    }

    var contract: Slipway.Principals.V1.PrincipalKind {
        switch self {
        case .person: .person
        case .service: .service
        case .deployment: .deployment
        }
    }
}

extension Caller {
    /// Who changes something, with the reason that the request gave.
    func change(_ reason: String) -> IdentityChange { IdentityChange(self, reason: reason.isEmpty ? nil : reason) }
}

extension ServerContext {
    /// Who is signed in: every method but those for anyone has somebody.
    func principal() throws(RPCError) -> Principal {
        guard let principal = caller.principal else {
            throw RPCError(.internal, "\(method) needs somebody signed in and does not declare so")
        }
        return principal
    }
}
