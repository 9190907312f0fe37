internal import Contracts
internal import RPC
import Testing

@testable import Access

@Suite("the decision") struct DecisionTests {
    static let principal = Principal(id: EntityID(high: 1, low: 2), kind: .person, name: "ada")
    static let lab = Workspace(id: EntityID(high: 0, low: 1), name: "lab")
    static let attic = Workspace(id: EntityID(high: 0, low: 2), name: "attic", isArchived: true)
    static let usual = Workspace(id: EntityID(high: 0, low: 3), name: "default")

    static func grants(
        _ memberships: [Membership], administrator: Bool = false, _ token: TokenLimits? = nil
    ) -> Grants {
        Grants(principal: principal, isAdministrator: administrator, memberships: memberships, token: token)
    }

    static func outcome(_ requirement: Requirement?, _ grants: Grants?, _ workspace: String?) -> String {
        switch Decision.decide(requirement, grants, workspace: workspace) {
        case .granted(let caller): "granted \(caller.workspace?.name ?? "-") \(caller.role)"
        case .unauthenticated: "unauthenticated"
        case .denied: "denied"
        case .undeclared: "undeclared"
        case .noWorkspace: "no workspace"
        }
    }

    @Test("each role meets what it includes and nothing more", arguments: Role.allCases, Role.allCases.dropFirst())
    func roles(_ held: Role, _ needed: Role) {
        let grants = Self.grants([Membership(Self.lab, held)])
        let expected = held == .none ? "no workspace" : held >= needed ? "granted lab \(held)" : "denied"
        #expect(Self.outcome(.workspace(needed), grants, "lab") == expected)
    }

    @Test("nobody signed in gets what is for anyone, and nobody what declares nothing")
    func nobody() {
        for requirement: Requirement in [.workspace(.reader), .administrator, .signedIn] {
            #expect(Self.outcome(requirement, nil, nil) == "unauthenticated")
        }
        #expect(Self.outcome(.anyone, nil, "lab") == "granted - none")
        let all = Self.grants([Membership(Self.usual, .owner)], administrator: true)
        for grants in [nil, all] { #expect(Self.outcome(nil, grants, nil) == "undeclared") }
    }

    @Test("a call that names no workspace is about the usual one, or the token's own")
    func usual() {
        let both = [Membership(Self.usual, .reader), Membership(Self.lab, .owner)]
        #expect(Self.outcome(.workspace(.reader), Self.grants(both), nil) == "granted default reader")
        let bound = Self.grants(both, TokenLimits(id: "t", workspace: Self.lab.id))
        #expect(Self.outcome(.workspace(.reader), bound, nil) == "granted lab owner")
        #expect(Self.outcome(.workspace(.reader), bound, "default") == "no workspace")
        let stranger = Self.grants([Membership(Self.usual, .owner)], TokenLimits(id: "t", workspace: Self.lab.id))
        #expect(Self.outcome(.workspace(.reader), stranger, nil) == "no workspace")
        #expect(Self.outcome(.signedIn, stranger, nil) == "granted - none")
    }

    @Test("a workspace of others looks like one that does not exist")
    func strangers() {
        let grants = Self.grants([Membership(Self.lab, .owner)], administrator: true)
        for name in ["attic", "nowhere", "", "LAB"] {
            #expect(Self.outcome(.workspace(.reader), grants, name) == "no workspace")
        }
        let text = AccessError.noWorkspace("x").message
        #expect(AccessError.noWorkspace("y").message == text.replacing("\"x\"", with: "\"y\""))
    }

    @Test("a ceiling lowers every role and takes the suite's away")
    func ceilings() {
        let grants = Self.grants(
            [Membership(Self.lab, .owner), Membership(Self.usual, .reader)], administrator: true,
            TokenLimits(id: "t", ceiling: .contributor))
        #expect(Self.outcome(.workspace(.reader), grants, "lab") == "granted lab contributor")
        #expect(Self.outcome(.workspace(.owner), grants, "lab") == "denied")
        #expect(Self.outcome(.workspace(.reader), grants, nil) == "granted default reader")
        #expect(Self.outcome(.administrator, grants, nil) == "denied")
        let bound = Self.grants([], administrator: true, TokenLimits(id: "t", workspace: Self.lab.id))
        #expect(Self.outcome(.administrator, bound, nil) == "denied")
        let whole = Self.grants([], administrator: true, TokenLimits(id: "t"))
        #expect(Self.outcome(.administrator, whole, nil) == "granted - none")
    }

    @Test("an archived workspace can be looked at only")
    func archive() {
        let grants = Self.grants([Membership(Self.attic, .owner)])
        #expect(Self.outcome(.workspace(.reader), grants, "attic") == "granted attic reader")
        #expect(Self.outcome(.workspace(.contributor), grants, "attic") == "denied")
    }

    @Test("an administrator is no member of any workspace by that")
    func administrators() {
        let grants = Self.grants([], administrator: true)
        #expect(Self.outcome(.workspace(.reader), grants, nil) == "no workspace")
        #expect(Self.outcome(.administrator, grants, "lab") == "granted - none")
    }

    @Test("a declaration is read from the method's options; what says nothing, or something new, is none")
    func declarations() {
        let methods = Slipway.Testing.V1.Probe.descriptor.methods
        let declared = methods.map { "\($0.name): \(Requirement(declaredBy: $0).map { "\($0)" } ?? "undeclared")" }
        #expect(
            declared == [
                "Anyone: nothing", "SignedIn: a principal that is signed in", "Read: the role reader in the workspace",
                "Contribute: the role contributor in the workspace", "Own: the role owner in the workspace",
                "Administer: an administrator of the suite", "Watch: the role reader in the workspace",
                "Chat: the role contributor in the workspace", "Undeclared: undeclared", "Empty: undeclared",
                "NotAnyone: undeclared", "NoRole: undeclared",
            ])
        var newer = Slipway.Access.V1.Requirement()
        newer.scope = .workspace(Slipway.Access.V1.Role(rawValue: 9))
        #expect(Requirement(newer) == nil)
        newer.scope = .suite(Slipway.Access.V1.SuiteRole(rawValue: 2))
        #expect(Requirement(newer) == nil)
        func method(_ service: String, _ options: [UInt8]) -> AnyMethod {
            AnyMethod(service: service, name: "Do", shape: .unary, idempotency: .unknown, options: options)
        }
        // The reader's role and a field of number 9 that this program does not know.
        #expect(Requirement(declaredBy: method("a.B", [170, 207, 24, 2, 8, 1])) == .workspace(.reader))
        #expect(Requirement(declaredBy: method("a.B", [170, 207, 24, 4, 8, 1, 72, 1])) == nil)
        #expect(Requirement(declaredBy: method("a.B", [170, 207, 24, 9, 8])) == nil)
        #expect(Requirement(declaredBy: method("grpc.health.v1.Health", [])) == nil)
        #expect(HealthService().handlers().allSatisfy { Requirement(declaredBy: $0.method) == .anyone })
    }
}
