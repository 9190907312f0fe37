import Access
import Postgres

/// What a change touches, for whoever remembers what was found before it.
enum IdentityNews: Equatable, Sendable {
    /// By its number.
    case token(UInt64)
    /// Whatever the principal shows.
    case principal(EntityID)
    case everything

    /// A token by its public part.
    init(token id: String) { self = TokenProof.number(id).map { .token($0) } ?? .everything }

    /// As the database tells it. What is not understood may have touched everything.
    init(payload: String) {
        let words = payload.split(separator: " ")
        switch (words.first, words.last) {
        case ("token"?, let id?): self.init(token: String(id))
        case ("principal"?, let id?): self = PostgresUUID(String(id)).map { .principal(EntityID($0)) } ?? .everything
        default: self = .everything
        }
    }
}
