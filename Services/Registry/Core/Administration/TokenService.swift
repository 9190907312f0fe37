import Access
import Contracts
import Identity
import RPC

/// `slipway.tokens.v1.Tokens`: everybody for themselves, administrators for all.
public struct TokenService: Slipway.Tokens.V1.Tokens.SimpleService {
    private typealias V1 = Slipway.Tokens.V1
    private let identities: IdentityStore

    public init(_ identities: IdentityStore) { self.identities = identities }

    public func create(
        _ request: Slipway.Tokens.V1.CreateTokenRequest, context: ServerContext
    ) async throws -> Slipway.Tokens.V1.CreateTokenResponse {
        guard context.caller.isWhole else {
            throw RPCError(
                .permissionDenied,
                "a token that is bound to a workspace or has a ceiling makes no others; sign in with one that has neither"
            )
        }
        let principal = try await subject(request.principal, context)
        guard let ceiling = Role(request.ceiling) else {
            throw RPCError.badRequest(field: "ceiling", "it is reader, contributor, owner, or unspecified for none")
        }
        var token = TokenRequest(principal.id, name: request.name, ceiling: ceiling == .none ? nil : ceiling)
        if let lifetime = request.lifetime {
            // Whatever came over the wire; the smallest number of all has no positive counterpart.
            guard lifetime.seconds.magnitude < 1 << 40 else {
                throw RPCError.badRequest(field: "lifetime", "it is at most a hundred years")
            }
            token.lifetime = .seconds(lifetime.seconds) + .nanoseconds(Int64(lifetime.nanos))
        }
        if !request.workspace.isEmpty {
            token.workspace = try await reachable(request.workspace, of: principal, context).id
        }
        let issued = try await identities.issueToken(token, by: IdentityChange(context.caller))
        let record = try await identities.token(issued.id)
        return V1.CreateTokenResponse(
            secret: issued.text.reveal(), token: V1.Token(record.token, of: record.principal))
    }

    public func list(
        _ request: Slipway.Tokens.V1.ListTokensRequest, context: ServerContext
    ) async throws -> Slipway.Tokens.V1.ListTokensResponse {
        let principal = try await subject(request.principal, context)
        let found = try await identities.tokens(of: principal.id)
        return V1.ListTokensResponse(tokens: found.map { V1.Token($0, of: principal) })
    }

    public func revoke(
        _ request: Slipway.Tokens.V1.RevokeTokenRequest, context: ServerContext
    ) async throws -> Slipway.Tokens.V1.Token {
        let found = try await identities.token(request.id)
        // As if there were none: who is not its owner does not learn that there is.
        let isOwn = try context.principal().id == found.principal.id
        guard isOwn || context.caller.isAdministrator else {
            throw IdentityError.notFound("token", request.id)
        }
        try await identities.revokeToken(request.id, by: context.caller.change(request.reason))
        return V1.Token(try await identities.token(request.id).token, of: found.principal)
    }

    /// Whose tokens the call is about.
    private func subject(_ name: String, _ context: ServerContext) async throws -> Principal {
        let caller = try context.principal()
        if name.isEmpty || name == caller.name || name == caller.description { return caller }
        guard context.caller.isAdministrator else {
            throw RPCError(.permissionDenied, "the tokens of others are for administrators of the suite")
        }
        return try await identities.principal(named: name).principal
    }

    /// A workspace that the token is to be bound to. Others' are not told from ones that do not exist.
    private func reachable(_ name: String, of principal: Principal, _ context: ServerContext) async throws -> Workspace
    {
        let places = try await identities.workspaces(of: context.caller.isAdministrator ? nil : principal.id)
        guard let place = places.first(where: { $0.workspace.name == name }) else {
            throw IdentityError.notFound("workspace", name)
        }
        return place.workspace
    }
}
