import RPC

/// Why a change of identity was not made.
public enum IdentityError: Error, Equatable, CustomStringConvertible, RPCErrorConvertible {
    /// There is none such: what, and its name.
    case notFound(String, String)
    case taken(String, String)
    case malformed(field: String, String)
    /// The workspace would be left without an owner who can sign in.
    case lastOwner(workspace: String)
    /// The suite would be left without an administrator who can sign in.
    case lastAdministrator

    public var description: String {
        switch self {
        case .notFound(let what, let name): "there is no \(what) \"\(name)\""
        case .taken(let what, let name): "there is a \(what) \"\(name)\" already"
        case .malformed(let field, let why): "\(field): \(why)"
        case .lastOwner(let workspace): "the workspace \"\(workspace)\" needs another owner first"
        case .lastAdministrator: "the suite needs another administrator first"
        }
    }

    public var rpcError: RPCError {
        switch self {
        case .notFound: RPCError(.notFound, description)
        case .taken: RPCError(.alreadyExists, description)
        case .malformed(let field, let why): .badRequest(field: field, why)
        case .lastOwner: .reason(.failedPrecondition, description, reason: "LAST_OWNER", domain: "slipway")
        case .lastAdministrator:
            .reason(.failedPrecondition, description, reason: "LAST_ADMINISTRATOR", domain: "slipway")
        }
    }
}

/// What names may look like: they stand in paths, in logs and in commands.
enum IdentityName {
    static func check(workspace name: String) throws(IdentityError) {
        let isFine = name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        guard isFine, hasGoodEnds(name), name.utf8.count <= 63 else {
            throw .malformed(
                field: "name", "a workspace's name has up to 63 of a–z, 0–9 and -, and no - at either end")
        }
    }

    static func check(principal name: String) throws(IdentityError) {
        let isFine = name.utf8.allSatisfy { isLetterOrDigit($0) || "._@+-".utf8.contains($0) }
        guard isFine, hasGoodEnds(name), name.utf8.count <= 128 else {
            throw .malformed(
                field: "name",
                "a principal's name has up to 128 of a–z, 0–9, '.', '_', '@', '+' and '-', and begins and ends with "
                    + "a letter or digit")
        }
    }

    static func check(token name: String) throws(IdentityError) {
        guard !name.isEmpty, name.utf8.count <= 200, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) else {
            throw .malformed(field: "name", "a token's name says what it is for, in up to 200 bytes on one line")
        }
    }

    static func check(certificate name: String) throws(IdentityError) {
        guard ["sha256:", "uri:", "dns:"].contains(where: { name.hasPrefix($0) && name.count > $0.count }),
            name.utf8.count <= 1024, name.unicodeScalars.allSatisfy({ $0.value > 0x20 })
        else { throw .malformed(field: "certificate", "it begins with sha256:, uri: or dns:") }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func hasGoodEnds(_ name: String) -> Bool {
        name.utf8.first.map(isLetterOrDigit) == true && name.utf8.last.map(isLetterOrDigit) == true
    }
}
