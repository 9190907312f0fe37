internal import Access
internal import HTTP
internal import Protobuf

/// How clients of registries say who they are: with a token of Slipway's or a ticket behind `Bearer`, or with a token as
/// the password behind `Basic`, under whatever user's name.
enum DistributionProof {
    /// The ticket's scope for the list of all images.
    static let everything = "*"

    case nobody
    case token(TokenProof)
    case ticket(AccessTicket)

    /// - Throws: `DistributionError` for what can't be a proof, or is none any more.
    init(_ fields: HeaderFields, _ tickets: AccessTickets, now: Int64) throws {
        let values = fields.values("authorization")
        guard let value = values.first else {
            self = .nobody
            return
        }
        // Two of them: somebody on the way may have looked at the other.
        guard values.count == 1 else { throw DistributionProof.refused("there is more than one authorization") }
        let scheme = value.prefix { $0 != " " }.lowercased()
        let rest = value.dropFirst(scheme.count).drop { $0 == " " }
        switch scheme {
        case "bearer" where AccessTickets.isTicket(rest):
            guard let ticket = tickets.open(String(rest), at: now) else {
                throw DistributionProof.refused("the ticket is expired, or none of this service's")
            }
            self = .ticket(ticket)
        case "bearer": self = .token(try DistributionProof.token(String(rest)))
        case "basic":
            guard let bytes = Base64.decode(String(rest)), let text = String(validating: bytes, as: UTF8.self),
                let colon = text.firstIndex(of: ":")
            else { throw DistributionProof.refused("the authorization is not Basic with a user and a password") }
            self = .token(try DistributionProof.token(String(text[text.index(after: colon)...])))
        default: throw DistributionProof.refused("the authorization is neither Basic nor Bearer")
        }
    }

    static func token(_ text: String) throws -> TokenProof {
        guard let token = TokenProof(text) else {
            throw refused("the password is to be a token of Slipway's, as `slipway token create` prints it")
        }
        return token
    }

    private static func refused(_ why: String) -> DistributionError { DistributionError(401, .unauthorised, why) }

    /// The token that counts for something of this scope.
    /// - Throws: `DistributionError` where a ticket was made for something else.
    func token(for scope: String?) throws -> TokenProof? {
        switch self {
        case .nobody: return nil
        case .token(let token): return token
        case .ticket(let ticket):
            guard let scope else { return ticket.token }
            guard ticket.scopes.contains(scope) else {
                throw DistributionProof.refused("the ticket was made for something else; ask for one for this")
            }
            return ticket.token
        }
    }
}

/// What clients want a ticket for: `repository:lab/churn:pull`, `registry:catalog:*`.
enum DistributionScope {
    /// At most so many of them are looked at.
    private static let scopesMax = 16

    /// A workspace's name for each repository, whatever the action: the ticket only ever pulls.
    static func places(_ scopes: [String]) -> Set<String> {
        var places: Set<String> = []
        for scope in scopes.flatMap({ $0.split(separator: " ") }).prefix(scopesMax) {
            let parts = scope.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            if parts[0] == "repository" || parts[0].hasPrefix("repository(") {
                let workspace = parts[1].prefix { $0 != "/" }
                if workspace.utf8.count < parts[1].utf8.count, workspace.utf8.count <= 200 {
                    places.insert(String(workspace))
                }
            } else if parts[0] == "registry", parts[1].hasPrefix("catalog:") {
                places.insert(DistributionProof.everything)
            }
        }
        return places
    }
}

/// `name=value` by ampersands, as queries and forms have them.
struct FormFields {
    private var fields: [(name: String, value: String)] = []

    init(_ text: String) {
        for field in text.split(separator: "&").prefix(64) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            fields.append((FormFields.decoded(parts[0]), parts.count == 2 ? FormFields.decoded(parts[1]) : ""))
        }
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    private static func decoded(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes {
            String(decoding: PercentEncoding.decode($0, damage: .kept, plusIsSpace: true) ?? [], as: UTF8.self)
        }
    }
}
