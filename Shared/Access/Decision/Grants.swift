/// A principal's place in a workspace.
public struct Membership: Hashable, Sendable {
    public var workspace: Workspace
    public var role: Role

    public init(_ workspace: Workspace, _ role: Role) {
        self.workspace = workspace
        self.role = role
    }
}

/// How much less than its principal a token may do.
public struct TokenLimits: Hashable, Sendable {
    /// The token's public part.
    public var id: String
    /// The only workspace in which it counts; every one where nil.
    public var workspace: EntityID?
    /// The highest role that it has anywhere; the principal's own where nil.
    public var ceiling: Role?

    public init(id: String, workspace: EntityID? = nil, ceiling: Role? = nil) {
        self.id = id
        self.workspace = workspace
        self.ceiling = ceiling
    }

    /// Whether the token stands for all that its principal is.
    var isWhole: Bool { workspace == nil && ceiling == nil }
}

/// Everything that a credential allows, worked out when it was verified.
public final class Grants: Sendable {
    public let principal: Principal
    public let isAdministrator: Bool
    /// For methods that are about no workspace.
    public let outside: Caller
    private let callers: [String: Caller]
    private let usual: Caller?

    /// - Parameter token: nil where the principal proved itself otherwise.
    public init(
        principal: Principal, isAdministrator: Bool, memberships: [Membership], token: TokenLimits? = nil
    ) {
        // A token that was cut down in whatever way is not for what concerns everybody.
        let isWhole = token?.isWhole != false
        let isAdministrator = isAdministrator && isWhole
        self.principal = principal
        self.isAdministrator = isAdministrator
        outside = Caller(
            principal: principal, workspace: nil, role: .none, isAdministrator: isAdministrator, tokenID: token?.id,
            isWhole: isWhole)
        var callers: [String: Caller] = [:]
        var bound: Caller?
        for membership in memberships {
            if let only = token?.workspace, only != membership.workspace.id { continue }
            var role = min(membership.role, token?.ceiling ?? .owner)
            if membership.workspace.isArchived { role = min(role, .reader) }
            guard role > .none else { continue }
            let caller = Caller(
                principal: principal, workspace: membership.workspace, role: role, isAdministrator: isAdministrator,
                tokenID: token?.id, isWhole: isWhole)
            callers[membership.workspace.name] = caller
            if token?.workspace != nil { bound = caller }
        }
        self.callers = callers
        usual = token?.workspace != nil ? bound : callers[Workspace.usualName]
    }

    /// The caller in each of its workspaces, by their names.
    var members: [Caller] {
        callers.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }.map(\.value)
    }

    /// The caller as a member of that workspace, or of the usual one where nil; nil where it is none.
    func member(of workspace: String?) -> Caller? {
        guard let workspace else { return usual }
        return callers[workspace]
    }
}
