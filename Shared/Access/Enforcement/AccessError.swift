import RPC

/// How refusals look to a caller. None of them holds anything that the caller showed as a secret.
enum AccessError {
    private static let domain = "slipway"

    static func missing(_ subject: String) -> RPCError {
        challenge(
            "\(subject) needs to know who calls: send the field authorization with Bearer and a token",
            reason: "TOKEN_MISSING")
    }

    static func unusable(_ why: String) -> RPCError { challenge(why, reason: "TOKEN_MALFORMED", error: true) }

    /// One text for all that is wrong with a credential: which of it, nobody learns by trying.
    static var refused: RPCError {
        challenge("the token or certificate is unknown, expired or revoked", reason: "TOKEN_INVALID", error: true)
    }

    private static func challenge(_ message: String, reason: String, error: Bool = false) -> RPCError {
        var failure = RPCError.reason(.unauthenticated, message, reason: reason, domain: domain)
        failure.metadata.add(
            "www-authenticate", "Bearer realm=\"slipway\"" + (error ? ", error=\"invalid_token\"" : ""))
        return failure
    }

    static func denied(_ caller: Caller, _ needed: Requirement, _ subject: String) -> RPCError {
        switch needed {
        case .workspace(let role):
            let place = caller.workspace.map { " in the workspace \"\($0.name)\"" } ?? ""
            let archived = caller.workspace?.isArchived == true ? ", which is archived" : ""
            return .reason(
                .permissionDenied,
                "\(subject) needs the role \(role)\(place)\(archived); \(caller.actor) has the role \(caller.role)",
                reason: "ROLE_MISSING", domain: domain,
                metadata: ["needed": "\(role)", "held": "\(caller.role)", "workspace": caller.workspace?.name ?? ""])
        default:
            return .reason(
                .permissionDenied, "\(subject) needs \(needed), which \(caller.actor) is not with this credential",
                reason: "ADMINISTRATOR_NEEDED", domain: domain, metadata: ["needed": "administrator"])
        }
    }

    static func undeclared(_ subject: String) -> RPCError {
        .reason(
            .permissionDenied, "\(subject) declares nobody who may call it", reason: "NOTHING_DECLARED",
            domain: domain)
    }

    /// Whether it exists does not show. The name is the caller's own.
    static func noWorkspace(_ name: String) -> RPCError {
        .reason(
            .notFound, "there is no workspace \"\(name.prefix(100))\" that this caller is a member of",
            reason: "WORKSPACE_NOT_FOUND", domain: domain)
    }

    static func tooManyAttempts(_ wait: Duration) -> RPCError {
        .retryLater(
            .resourceExhausted, "too many credentials of nobody came from here, or for this token", after: wait)
    }

    static var unavailable: RPCError { RPCError(.unavailable, "who calls can't be verified just now") }
}
