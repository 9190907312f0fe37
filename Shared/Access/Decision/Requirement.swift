import Contracts
import Protobuf
import RPC

/// What a method or a route asks of its caller.
public enum Requirement: Hashable, Sendable, CustomStringConvertible {
    /// At least this role in the workspace of the call.
    case workspace(Role)
    /// An administrator of the suite.
    case administrator
    /// Any principal.
    case signedIn
    /// Everybody, without a token.
    case anyone

    /// The number of `slipway.access.v1.requires` among a method's options.
    private static let option = 50421

    /// What the method's contract declares. Nil where it declares nothing, or what this program does not understand: such
    /// a method is denied to everybody.
    public init?(declaredBy method: AnyMethod) {
        if let known = Requirement.foreign[method.path] {
            self = known
            return
        }
        guard let options = try? Google.Protobuf.MethodOptions(serialized: method.options),
            let declared = try? options.unknownFields.value(
                Requirement.option, ProtoMessage<Slipway.Access.V1.Requirement>.self)
        else { return nil }
        self.init(declared)
    }

    init?(_ declared: Slipway.Access.V1.Requirement) {
        // A part that only newer programs know may well be a further condition.
        guard declared.unknownFields.isEmpty else { return nil }
        switch declared.scope {
        case .workspace(let role)?:
            guard let role = Role(role), role > .none else { return nil }
            self = .workspace(role)
        case .suite(.administrator)?: self = .administrator
        case .signedIn(true)?: self = .signedIn
        case .anyone(true)?: self = .anyone
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .workspace(let role): "the role \(role) in the workspace"
        case .administrator: "an administrator of the suite"
        case .signedIn: "a principal that is signed in"
        case .anyone: "nothing"
        }
    }
}
