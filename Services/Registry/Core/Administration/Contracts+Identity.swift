import Access
import Contracts
import Identity
import Postgres
import Protobuf
import RPC

// How what the stores hold reads in a contract.

extension Google.Protobuf.Timestamp {
    init(_ time: PostgresTimestamp) {
        let seconds = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        // Before 1970 the remainder is negative, and nanoseconds never are.
        let borrowed: Int64 = seconds.remainder < 0 ? 1 : 0
        self.init(
            seconds: seconds.quotient - borrowed, nanos: Int32(seconds.remainder + borrowed * 1_000_000) * 1000)
    }
}

extension PostgresTimestamp {
    /// - Throws: `RPCError` with `invalidArgument` where it is a time that nobody means.
    init(_ time: Google.Protobuf.Timestamp, field: String) throws(RPCError) {
        guard abs(time.seconds) < 253_402_300_800, (0..<1_000_000_000).contains(time.nanos) else {
            throw .badRequest(field: field, "it is a time between the years 1 and 9999, with nanos of 0 to 999999999")
        }
        self.init(microseconds: time.seconds * 1_000_000 + Int64(time.nanos / 1000))
    }
}

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
    /// The workspace of the call: every method that needs a role in one has it.
    func workspace() throws(RPCError) -> Workspace {
        guard let workspace = caller.workspace else {
            throw RPCError(.internal, "\(method) works in a workspace and does not declare a role in one")
        }
        return workspace
    }

    /// Who is signed in: every method but those for anyone has somebody.
    func principal() throws(RPCError) -> Principal {
        guard let principal = caller.principal else {
            throw RPCError(.internal, "\(method) needs somebody signed in and does not declare so")
        }
        return principal
    }
}
