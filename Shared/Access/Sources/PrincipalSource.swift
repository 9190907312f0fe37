/// What a source found behind a credential.
public enum FoundPrincipal: Sendable {
    case granted(Grants)
    /// It was good once: expired, revoked, or its principal is disabled.
    case lapsed
    /// Nobody's: a guess, as far as anybody can tell.
    case unknown
}

/// What a source can say at once.
public enum KnownPrincipal: Sendable {
    case found(FoundPrincipal)
    /// What was known is too old, but the secret was the right one.
    case proven
    case nothing
}

/// Knows principals by what they show.
public protocol PrincipalSource: Sendable {
    /// What is at hand. Called for every call, on its loop: never waits.
    func known(_ credential: Credential) -> KnownPrincipal

    /// Asked where nothing is at hand.
    /// - Throws: where nobody can say.
    func find(_ credential: Credential) async throws -> FoundPrincipal
}
