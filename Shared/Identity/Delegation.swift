import Access
import Loop
import Postgres
import RPC
import ServiceKit

/// For whom a service acts in another service, and how far.
public struct DelegatedRight: Hashable, Sendable {
    public let principal: EntityID
    public let workspace: EntityID
    /// The most that it may do there; less where the principal may do less.
    public let ceiling: Role

    public init(principal: EntityID, workspace: EntityID, ceiling: Role) {
        self.principal = principal
        self.workspace = workspace
        self.ceiling = ceiling
    }
}

/// Tokens by which a service acts in another service for the very principal that asked it to, in one workspace and for some
/// minutes. It never reaches further than its principal does at that moment: who is disabled, or no member any more, can't be
/// acted for. There is no account that may do everything.
///
/// A token is kept and used again until half of its time is over; what has expired is removed with the next one. Any number
/// of tasks may use it.
public final class Delegation: Sendable {
    private struct Kept {
        let token: Secret
        let id: String
        let renewAt: ContinuousClock.Instant
    }
    private static let keptMax = 1024

    private let identities: IdentityStore
    private let service: String
    private let lifetime: Duration
    private let kept = Lock<[DelegatedRight: Kept]>([:])

    /// - Parameters:
    ///   - service: who acts, for the journal and the tokens' names: `image-builder`.
    ///   - lifetime: how long a token counts; what it is used for may take longer, each call is checked for itself.
    public init(_ identities: IdentityStore, service: String, lifetime: Duration = .seconds(900)) {
        self.identities = identities
        self.service = service
        self.lifetime = lifetime
    }

    /// A token for that right, for half of the lifetime at least.
    /// - Throws: `IdentityError` `notFound` where principal or workspace are gone; `PostgresError`.
    public func token(for right: DelegatedRight) async throws -> Secret {
        let now = ContinuousClock.now
        if let known = kept.withLock({ $0[right] }), now < known.renewAt { return known.token }
        let name = "delegated to \(service)"
        // Nobody can use them any more, and nobody should have to look at them.
        try await identities.pool.execute(
            """
            DELETE FROM identity.tokens
            WHERE principal = \(PostgresUUID(right.principal)) AND name = \(name) AND expires < now()
            """)
        let issued = try await identities.issueToken(
            TokenRequest(
                right.principal, name: name, lifetime: lifetime, workspace: right.workspace, ceiling: right.ceiling),
            by: IdentityChange(actor: "system:\(service)", reason: "acts for the principal in another service"))
        kept.withLock { kept in
            if kept.count >= Delegation.keptMax { kept = kept.filter { now < $0.value.renewAt } }
            if kept.count >= Delegation.keptMax { kept = [:] }
            kept[right] = Kept(token: issued.text, id: issued.id, renewAt: now + lifetime / 2)
        }
        return issued.text
    }

    /// Signs the calls of a channel.
    public func credentials(for right: DelegatedRight, workspace: String) -> some ClientInterceptor {
        DelegatedCredentials(delegation: self, right: right, workspace: workspace)
    }

    /// Draws another token with the next call: this one was refused.
    fileprivate func forget(_ right: DelegatedRight) { kept.withLock { $0[right] = nil } }
}

private struct DelegatedCredentials: ClientInterceptor {
    let delegation: Delegation
    let right: DelegatedRight
    let workspace: String

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        let token = try await delegation.token(for: right)
        do {
            return try await ClientCredentials(token: token, workspace: workspace).intercept(request, next: next)
        } catch let error as RPCError where error.code == .unauthenticated {
            delegation.forget(right)
            throw error
        }
    }
}
