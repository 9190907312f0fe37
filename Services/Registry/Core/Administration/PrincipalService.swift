import Access
import Contracts
import Identity
import RPC

/// `slipway.principals.v1.Principals`.
public struct PrincipalService: Slipway.Principals.V1.Principals.SimpleService {
    private typealias V1 = Slipway.Principals.V1
    private let identities: IdentityStore

    public init(_ identities: IdentityStore) { self.identities = identities }

    public func whoAmI(
        _ request: Slipway.Principals.V1.WhoAmIRequest, context: ServerContext
    ) async throws -> Slipway.Principals.V1.WhoAmIResponse {
        let caller = context.caller
        return V1.WhoAmIResponse(
            principal: caller.actor, administrator: caller.isAdministrator, tokenId: caller.tokenID ?? "")
    }

    public func create(
        _ request: Slipway.Principals.V1.CreatePrincipalRequest, context: ServerContext
    ) async throws -> Slipway.Principals.V1.Principal {
        guard let kind = PrincipalKind(request.kind) else {
            throw RPCError.badRequest(field: "kind", "it is person, service or deployment")
        }
        let made = try await identities.createPrincipal(request.name, kind: kind, by: IdentityChange(context.caller))
        return V1.Principal(try await identities.principal(named: made.name))
    }

    public func list(
        _ request: Slipway.Principals.V1.ListPrincipalsRequest, context: ServerContext
    ) async throws -> Slipway.Principals.V1.ListPrincipalsResponse {
        V1.ListPrincipalsResponse(principals: try await identities.principals().map { V1.Principal($0) })
    }

    public func setDisabled(
        _ request: Slipway.Principals.V1.SetDisabledRequest, context: ServerContext
    ) async throws -> Slipway.Principals.V1.Principal {
        let principal = try await identities.principal(named: request.principal).principal
        try await identities.setDisabled(request.disabled, principal.id, by: context.caller.change(request.reason))
        return V1.Principal(try await identities.principal(named: principal.name))
    }

    public func setAdministrator(
        _ request: Slipway.Principals.V1.SetAdministratorRequest, context: ServerContext
    ) async throws -> Slipway.Principals.V1.Principal {
        let principal = try await identities.principal(named: request.principal).principal
        try await identities.setAdministrator(
            request.administrator, principal.id, by: context.caller.change(request.reason))
        return V1.Principal(try await identities.principal(named: principal.name))
    }
}
