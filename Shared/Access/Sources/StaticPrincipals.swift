import HTTP

/// Principals that a configuration lists, for a service without a database. The list holds no secrets: tokens stand in it
/// by their digests.
public struct StaticPrincipals: PrincipalSource {
    /// One principal, as a line of `key=value` words:
    ///
    ///     name=deployer kind=service workspace=default role=owner token=<sha256, hexadecimal> certificate=uri:spiffe://…
    ///
    /// `token` and `certificate` may come more than once, and so may `workspace` with the `role` behind it.
    public struct Entry: Sendable {
        public var principal: Principal
        public var memberships: [Membership] = []
        public var isAdministrator = false
        /// Digests of whole tokens, as `slipway` prints them.
        public var tokens: [SHA256Digest] = []
        /// As `PeerCertificate.accessNames`.
        public var certificates: [String] = []

        public init(name: String, kind: PrincipalKind) {
            principal = Principal(id: EntityID(derivedFrom: "principal \(name)"), kind: kind, name: name)
        }
    }

    private let byToken: [SHA256Digest: Grants]
    private let byCertificate: [String: Grants]

    public init(_ entries: [Entry]) {
        var byToken: [SHA256Digest: Grants] = [:]
        var byCertificate: [String: Grants] = [:]
        for entry in entries {
            let grants = Grants(
                principal: entry.principal, isAdministrator: entry.isAdministrator, memberships: entry.memberships)
            for token in entry.tokens { byToken[token] = grants }
            for name in entry.certificates { byCertificate[name] = grants }
        }
        self.byToken = byToken
        self.byCertificate = byCertificate
    }

    public func known(_ credential: Credential) -> KnownPrincipal {
        switch credential {
        case .token(let proof): return .found(byToken[proof.digest].map { .granted($0) } ?? .unknown)
        case .certificate(let certificate):
            let grants = certificate.accessNames.lazy.compactMap { byCertificate[$0] }.first
            return .found(grants.map { .granted($0) } ?? .unknown)
        }
    }

    public func find(_ credential: Credential) async throws -> FoundPrincipal {
        if case .found(let found) = known(credential) { found } else { .unknown }
    }
}

/// A line of configuration that names no principal.
public struct StaticPrincipalError: Error, Equatable, CustomStringConvertible {
    public let description: String
}

extension StaticPrincipals.Entry {
    /// - Throws: `StaticPrincipalError` naming the word.
    public init(_ line: String) throws(StaticPrincipalError) {
        var name: String?
        var kind = PrincipalKind.service
        var rest: [(key: Substring, value: Substring)] = []
        for word in line.split(separator: " ") {
            let pair = word.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else {
                throw StaticPrincipalError(description: "\"\(word)\" should be a key, = and a value")
            }
            switch pair[0] {
            case "name": name = String(pair[1])
            case "kind":
                guard let known = PrincipalKind(rawValue: String(pair[1])) else {
                    throw StaticPrincipalError(
                        description: "the kind \"\(pair[1])\" should be person, service or deployment")
                }
                kind = known
            default: rest.append((pair[0], pair[1]))
            }
        }
        guard let name else { throw StaticPrincipalError(description: "a principal needs a name") }
        self.init(name: name, kind: kind)
        var workspace: String?
        for (key, value) in rest { try add(key, String(value), &workspace) }
        if let workspace { throw StaticPrincipalError(description: "the workspace \(workspace) has no role behind it") }
    }

    private mutating func add(
        _ key: Substring, _ value: String, _ workspace: inout String?
    ) throws(StaticPrincipalError) {
        switch key {
        case "workspace": workspace = value
        case "role":
            guard let role = Role(value), role > .none, let place = workspace.take() else {
                throw StaticPrincipalError(
                    description: "role=\(value) should be reader, contributor or owner, behind a workspace")
            }
            let id = EntityID(derivedFrom: "workspace \(place)")
            memberships.append(Membership(Workspace(id: id, name: place), role))
        case "administrator" where value == "true" || value == "false": isAdministrator = value == "true"
        case "token":
            guard let digest = SHA256Digest(hexadecimal: value) else {
                throw StaticPrincipalError(
                    description: "a token stands here by its SHA-256, in 64 lower-case hexadecimal digits")
            }
            tokens.append(digest)
        case "certificate":
            guard ["sha256:", "uri:", "dns:"].contains(where: value.hasPrefix) else {
                throw StaticPrincipalError(
                    description: "certificate=\(value) should begin with sha256:, uri: or dns:")
            }
            certificates.append(value)
        default: throw StaticPrincipalError(description: "\(key)=… is not known here")
        }
    }
}
