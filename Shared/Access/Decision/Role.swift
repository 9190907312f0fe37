import Contracts

/// What a principal may do in a workspace. Each role may do what the ones before it may.
public enum Role: Int, Comparable, Sendable, CaseIterable, CustomStringConvertible {
    /// No member.
    case none
    case reader
    case contributor
    case owner

    public static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }

    /// As the journal, the database and configuration write it.
    public var description: String {
        switch self {
        case .none: "none"
        case .reader: "reader"
        case .contributor: "contributor"
        case .owner: "owner"
        }
    }

    /// What `description` gives; nil for anything else.
    public init?(_ name: String) {
        guard let role = Role.allCases.first(where: { $0.description == name }) else { return nil }
        self = role
    }

    /// A role of a contract; nil for one that this program does not know.
    public init?(_ role: Slipway.Access.V1.Role) {
        switch role {
        case .unspecified: self = .none
        case .reader: self = .reader
        case .contributor: self = .contributor
        case .owner: self = .owner
        default: return nil
        }
    }

    /// The role as contracts write it.
    public var contract: Slipway.Access.V1.Role {
        switch self {
        case .none: .unspecified
        case .reader: .reader
        case .contributor: .contributor
        case .owner: .owner
        }
    }
}
