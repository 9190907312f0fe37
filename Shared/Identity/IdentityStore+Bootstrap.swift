import Access
import Postgres
import ServiceKit

extension IdentityStore {
    /// The principal that a new suite begins with.
    public static let firstPrincipal = "administrator"

    /// Gives a suite that has no administrator one, with the workspace `default` and a token. Any number of instances may
    /// come here at once: one of them does it, and the others find it done.
    ///
    /// - Parameter deliver: gets the token before it counts, so that a crash can't lose it: where it throws, nothing was
    ///   done. It may be called twice, and the later token is the right one; `BootstrapFile` writes it to a file.
    /// - Returns: the new token; nil where the suite has administrators.
    @discardableResult
    public func bootstrap(_ deliver: @Sendable (Secret) throws -> Void) async throws -> IssuedToken? {
        let change = IdentityChange(actor: "system:bootstrap", reason: "the suite had no administrator")
        return try await self.change(.everything) { transaction in
            try await lockAdministrators(transaction)
            let (isDone, isThere) = try await transaction.query(
                """
                SELECT EXISTS (SELECT FROM identity.administrators),
                    EXISTS (SELECT FROM identity.workspaces WHERE name = \(Workspace.usualName))
                """
            ).all((Bool, Bool).self)[0]
            guard !isDone else { return nil }
            let id = try await transaction.query(
                """
                INSERT INTO identity.principals (kind, name)
                VALUES (\(PrincipalKind.person.rawValue), \(IdentityStore.firstPrincipal))
                ON CONFLICT (name) DO UPDATE SET disabled = NULL RETURNING id
                """
            ).all(PostgresUUID.self)[0]
            try await transaction.execute("INSERT INTO identity.administrators (principal) VALUES (\(id))")
            try await change.record(
                "administrator.add", "principals/\(IdentityStore.firstPrincipal)", in: transaction)
            let principal = Principal(id: EntityID(id), kind: .person, name: IdentityStore.firstPrincipal)
            if !isThere {
                _ = try await insertWorkspace(Workspace.usualName, principal, change, transaction)
            }
            let token = try await insertToken(TokenRequest(principal.id, name: "first start"), change, transaction)
            try deliver(token.text)
            return token
        }
    }
}

/// Where the first token of a suite is put: a file that only its owner may read.
public struct BootstrapFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// Writes the token, in place of one that was there.
    /// - Throws: where the file can't be written; the error names it and not the token.
    public func write(_ token: Secret) throws {
        try PrivateFile.replace(Array("\(token.reveal())\n".utf8), at: path)
    }
}
