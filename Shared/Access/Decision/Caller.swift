/// Who makes a call, and what they are there: what handlers read. A reference made once per principal and workspace, so that
/// a call carries it for nothing.
public final class Caller: Sendable, CustomStringConvertible {
    /// Nil where nobody is signed in, which only methods for anyone see.
    public let principal: Principal?
    /// The workspace that the call is about; nil for methods that need no role in one.
    public let workspace: Workspace?
    /// The role in that workspace, as far as the token lets it count.
    public let role: Role
    public let isAdministrator: Bool
    /// The public part of the token used, by which it can be found and revoked.
    public let tokenID: String?
    /// Whether what the caller came with stands for all that its principal is: a token that was cut down does not, and must
    /// not make one that does.
    public let isWhole: Bool

    public init(
        principal: Principal?, workspace: Workspace?, role: Role, isAdministrator: Bool = false, tokenID: String? = nil,
        isWhole: Bool = true
    ) {
        self.principal = principal
        self.workspace = workspace
        self.role = role
        self.isAdministrator = isAdministrator
        self.tokenID = tokenID
        self.isWhole = isWhole
    }

    /// Somebody of whom nothing is known and nothing was asked.
    public static let anonymous = Caller(principal: nil, workspace: nil, role: .none)

    /// As the journal writes an actor: `person:ada`.
    public var actor: String { principal?.description ?? "anyone" }

    public var description: String {
        workspace.map { "\(actor) (\(role) of \($0.name))" } ?? actor
    }
}
