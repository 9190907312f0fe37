import HTTP
import Loop
import RPC

/// The one point that every call passes, whatever its dialect: finds out who calls and whether they may.
///
/// What was verified a moment ago is known without waiting; only the first call of a credential asks the source.
public final class AccessControl: Sendable {
    let source: any PrincipalSource
    let limiter: AttemptLimiter
    /// How often a call that lasts is asked again whether its caller still may.
    let recheckInterval: Duration
    private let onFailure: @Sendable (any Error) -> Void
    /// What everybody counts as, where nobody is asked.
    private let everybody: Grants?

    /// - Parameters:
    ///   - onFailure: hears why the source could not say who somebody is, for a log; callers only hear that it is so.
    public init(
        _ source: any PrincipalSource, limiter: AttemptLimiter = AttemptLimiter(),
        recheckInterval: Duration = .seconds(10), onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.source = source
        self.limiter = limiter
        self.recheckInterval = recheckInterval
        self.onFailure = onFailure
        everybody = nil
    }

    /// For a program that only its own machine can reach: everybody counts as the same principal, whatever they show.
    /// Requirements hold as ever, so that what this principal may not do, nobody may.
    public init(open grants: Grants) {
        source = StaticPrincipals([])
        limiter = AttemptLimiter()
        recheckInterval = .seconds(10)
        onFailure = { _ in }
        everybody = grants
    }

    /// Whether everybody is let in without showing anything.
    public var isOpen: Bool { everybody != nil }

    /// Decides on a request from its fields.
    /// - Parameters:
    ///   - requirement: nil where nothing is declared; that is denied.
    ///   - workspace: instead of the one that the fields name.
    /// - Throws: `RPCError`: `unauthenticated`, `permissionDenied`, `notFound` for a workspace of others,
    ///   `resourceExhausted` for whoever guesses, `unavailable` where the source does not answer.
    public func authorize(
        _ requirement: Requirement?, fields: HeaderFields, peer: PeerIdentity, workspace: String? = nil,
        for subject: String
    ) async throws -> Caller {
        var question = Question(requirement, fields, peer, subject)
        if let workspace { question.workspace = workspace }
        if let caller = try atOnce(question) { return caller }
        return try await afterAsking(question)
    }

    /// Decides on a request of which the caller was found out otherwise than by its fields: dialects that carry a token in
    /// their own way.
    /// - Parameter token: nil where the request shows none.
    /// - Throws: as the other.
    public func authorize(
        _ requirement: Requirement, token: TokenProof?, peer: PeerIdentity, workspace: String?, for subject: String
    ) async throws -> Caller {
        let question = Question(requirement, token, peer, workspace, subject)
        if let caller = try atOnce(question) { return caller }
        return try await afterAsking(question)
    }

    /// The caller in every workspace where it meets the requirement, by the workspace's name: for what is asked of all of
    /// them at once.
    /// - Throws: as `authorize`.
    public func callers(
        _ requirement: Requirement, token: TokenProof?, peer: PeerIdentity, for subject: String
    ) async throws -> [Caller] {
        if let everybody { return Decision.everywhere(requirement, everybody) }
        guard let credential = Question(requirement, token, peer, nil, subject).credential else {
            throw AccessError.missing(subject)
        }
        switch try await find(credential, peer) {
        case .granted(let grants): return Decision.everywhere(requirement, grants)
        case .lapsed, .unknown: throw AccessError.refused
        }
    }

    /// What there is to decide.
    struct Question {
        let requirement: Requirement?
        let proof: Presented.Proof
        let peer: PeerIdentity
        var workspace: String?
        /// What the caller wants, for messages.
        let subject: String

        init(_ requirement: Requirement?, _ fields: HeaderFields, _ peer: PeerIdentity, _ subject: String) {
            self.requirement = requirement
            self.peer = peer
            self.subject = subject
            guard requirement != nil, requirement != .anyone else {
                proof = .nothing
                return
            }
            let presented = Presented(fields)
            proof = presented.proof
            workspace = presented.workspace
        }

        init(
            _ requirement: Requirement, _ token: TokenProof?, _ peer: PeerIdentity, _ workspace: String?,
            _ subject: String
        ) {
            self.requirement = requirement
            self.peer = peer
            self.workspace = workspace
            self.subject = subject
            proof = token.map { .token($0) } ?? .nothing
        }

        /// A token counts before a certificate: whoever shows one means it.
        var credential: Credential? {
            switch proof {
            case .token(let proof): .token(proof)
            case .unusable: nil
            case .nothing: peer.certificate.map { .certificate($0) }
            }
        }
    }

    /// The answer where it can be had without waiting; nil where the source has to be asked.
    func atOnce(_ question: Question) throws(RPCError) -> Caller? {
        guard let requirement = question.requirement, requirement != .anyone else {
            return try settle(question, nil)
        }
        if let everybody { return try settle(question, everybody) }
        if case .unusable(let why) = question.proof { throw AccessError.unusable(why) }
        guard let credential = question.credential else { return try settle(question, nil) }
        switch source.known(credential) {
        case .found(.granted(let grants)): return try settle(question, grants)
        case .found(.lapsed): throw AccessError.refused
        case .found(.unknown), .proven, .nothing: return nil
        }
    }

    func afterAsking(_ question: Question) async throws -> Caller {
        guard let credential = question.credential else { throw AccessError.missing(question.subject) }
        switch try await find(credential, question.peer) {
        case .granted(let grants): return try settle(question, grants)
        case .lapsed, .unknown: throw AccessError.refused
        }
    }

    private func find(_ credential: Credential, _ peer: PeerIdentity) async throws -> FoundPrincipal {
        var keys: [AttemptLimiter.Key] = []
        // A certificate was verified already: there is nothing to guess.
        if case .token(let proof) = credential { keys = [.init(peer: peer.address), .token(proof.number)] }
        let known = source.known(credential)
        switch known {
        // Whoever has the right secret does not guess, and is not kept waiting for others who do.
        case .proven, .found(.granted), .found(.lapsed): break
        case .found(.unknown), .nothing:
            if let wait = limiter.wait(for: keys) { throw AccessError.tooManyAttempts(wait) }
        }
        let found = if case .found(let found) = known { found } else { try await ask(credential) }
        if case .unknown = found { limiter.failed(keys) }
        return found
    }

    private func ask(_ credential: Credential) async throws -> FoundPrincipal {
        do { return try await source.find(credential) } catch let error as CancellationError {
            throw error
        } catch {
            onFailure(error)
            throw AccessError.unavailable
        }
    }

    private func settle(_ question: Question, _ grants: Grants?) throws(RPCError) -> Caller {
        switch Decision.decide(question.requirement, grants, workspace: question.workspace) {
        case .granted(let caller): return caller
        case .unauthenticated: throw AccessError.missing(question.subject)
        case .denied(let caller, let needed): throw AccessError.denied(caller, needed, question.subject)
        case .undeclared: throw AccessError.undeclared(question.subject)
        case .noWorkspace(let name): throw AccessError.noWorkspace(name)
        }
    }
}
