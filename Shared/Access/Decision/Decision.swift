/// What becomes of a call: the one place where roles are compared.
enum Decision {
    case granted(Caller)
    /// Nobody is signed in, and somebody has to be.
    case unauthenticated
    case denied(Caller, Requirement)
    /// Nothing declares what is needed.
    case undeclared
    /// There is no such workspace, or the caller is not one of its members: nobody learns which.
    case noWorkspace(String)

    /// - Parameters:
    ///   - grants: nil where nobody is signed in.
    ///   - workspace: what the call names; nil where it names none.
    static func decide(_ requirement: Requirement?, _ grants: Grants?, workspace: String?) -> Decision {
        guard let requirement else { return .undeclared }
        if requirement == .anyone { return .granted(.anonymous) }
        guard let grants else { return .unauthenticated }
        switch requirement {
        case .workspace(let needed):
            guard let member = grants.member(of: workspace) else {
                return .noWorkspace(workspace ?? Workspace.usualName)
            }
            return member.role >= needed ? .granted(member) : .denied(member, requirement)
        case .administrator:
            return grants.isAdministrator ? .granted(grants.outside) : .denied(grants.outside, requirement)
        case .signedIn, .anyone: return .granted(grants.outside)
        }
    }

    /// The caller in each workspace where it meets the requirement.
    static func everywhere(_ requirement: Requirement, _ grants: Grants) -> [Caller] {
        guard case .workspace(let needed) = requirement else { return [] }
        return grants.members.filter { $0.role >= needed }
    }
}
