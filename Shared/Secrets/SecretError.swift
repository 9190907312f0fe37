import RPC

/// What went wrong with a secret. It names the secret, and nothing of its value or of a key.
public enum SecretError: Error, Equatable, CustomStringConvertible, RPCErrorConvertible {
    case notFound(String)
    case malformed(field: String, String)
    /// The key could not be had.
    case key(String)
    /// The secret was written with a key that is not here.
    case unknownKey(name: String, keyID: String, known: [String])
    /// The row was changed, or it belongs to another secret or workspace.
    case damaged(name: String)

    public var description: String {
        switch self {
        case .notFound(let name): "there is no secret \"\(name)\""
        case .malformed(let field, let why): "\(field): \(why)"
        case .key(let why): why
        case .unknownKey(let name, let keyID, let known):
            "the secret \"\(name)\" was written with the key \(keyID); known here: \(known.joined(separator: ", "))"
        case .damaged(let name):
            "the secret \"\(name)\" can't be decrypted: its row was changed, or put there from elsewhere"
        }
    }

    public var rpcError: RPCError {
        switch self {
        case .notFound: RPCError(.notFound, description)
        case .malformed(let field, let why): .badRequest(field: field, why)
        // Whoever calls can't mend it, and need not know more.
        case .key: RPCError(.internal, "secrets can't be had: their key is not there")
        case .unknownKey, .damaged: RPCError(.dataLoss, description)
        }
    }
}
