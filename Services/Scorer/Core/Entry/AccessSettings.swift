public import Access
public import HTTP
public import ServiceKit

/// Who may call a scorer, which has no database to ask.
public struct AccessSettings: ConfigurationSection {
    public var keys: [Secret] = []
    public var keysFile = ""
    public var principals: [String] = []
    public var open = false

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<AccessSettings>) {
        keys.add("keys", \.keys, "tokens that may score; two, so that one can be replaced while the other works")
        keys.add("keys_file", \.keysFile, "a file of such tokens, one a line, that only its owner may read")
        keys.add(
            "principals", \.principals,
            "name=… workspace=default role=reader token=SHA-256 certificate=sha256:…: who may call, and as what")
        keys.add("open", \.open, "let everybody call without a token, from wherever they can reach this server")
    }
}

/// What was decided of a scorer's callers.
public struct ScorerAccess: Sendable {
    public let control: AccessControl
    /// What whoever starts the program should know.
    public let notice: String

    /// With keys, tokens or certificates only those who show one may call. Without any, only this machine may reach the
    /// server, unless the settings say that everybody may.
    /// - Parameter addresses: where the server will listen.
    /// - Throws: `ScorerAccessError` where nobody is named and others can reach the server, or a key is none.
    public static func decide(
        _ settings: AccessSettings, addresses: [SocketAddress],
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) throws -> ScorerAccess {
        let entries = try entries(settings)
        guard entries.isEmpty else {
            guard !settings.open else {
                throw ScorerAccessError("access.open and keys contradict each other: say one of them")
            }
            let count = entries.reduce(0) { $0 + $1.tokens.count + $1.certificates.count }
            return ScorerAccess(
                control: AccessControl(StaticPrincipals(entries), onFailure: onFailure),
                notice: "callers show one of \(count) keys, tokens or certificates")
        }
        if !settings.open, let address = addresses.first(where: { !isLocal($0) }) {
            throw ScorerAccessError(
                "\(address) can be reached from other machines, and no key is set: set access.keys or access.keys_file, "
                    + "listen on 127.0.0.1, or say access.open if everybody may call")
        }
        return ScorerAccess(
            control: AccessControl(open: everybody),
            notice: settings.open ? "everybody may call" : "everybody on this machine may call")
    }

    /// Whether only this machine reaches an address.
    public static func isLocal(_ address: SocketAddress) -> Bool {
        switch address {
        case .unix: true
        case .tcp(let host, _): host == "localhost" || host == "::1" || isLoopback(host)
        }
    }

    /// Whether it is an IPv4 address of 127.0.0.0/8; a name that begins like one is none.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What callers count as where nobody is asked: an owner, so that a laptop's user may load and unload.
    private static var everybody: Grants {
        let place = Workspace(
            id: EntityID(derivedFrom: "workspace \(Workspace.usualName)"), name: Workspace.usualName)
        return Grants(
            principal: Principal(id: EntityID(derivedFrom: "principal everybody"), kind: .person, name: "everybody"),
            isAdministrator: false, memberships: [Membership(place, .owner)])
    }

    private static func entries(_ settings: AccessSettings) throws -> [StaticPrincipals.Entry] {
        var entries: [StaticPrincipals.Entry] = []
        for line in settings.principals {
            do throws(StaticPrincipalError) { entries.append(try StaticPrincipals.Entry(line)) } catch {
                throw ScorerAccessError("access.principals: \(error)")
            }
        }
        var keys = try settings.keys.enumerated().map { try digest($1.reveal(), "access.keys[\($0)]") }
        if !settings.keysFile.isEmpty {
            let text: [UInt8]?
            do { text = try PrivateFile.read(settings.keysFile, limit: 64 * 1024) } catch {
                throw ScorerAccessError("access.keys_file: \(error)")
            }
            guard let text else { throw ScorerAccessError("access.keys_file: there is no \(settings.keysFile)") }
            let lines = text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            for (index, line) in lines.enumerated() where !line.hasPrefix("#") && !line.allSatisfy(\.isWhitespace) {
                keys.append(try digest(line, "\(settings.keysFile):\(index + 1)"))
            }
        }
        if !keys.isEmpty {
            var caller = StaticPrincipals.Entry(name: "scoring-key", kind: .service)
            let id = EntityID(derivedFrom: "workspace \(Workspace.usualName)")
            caller.memberships = [Membership(Workspace(id: id, name: Workspace.usualName), .reader)]
            caller.tokens = keys
            entries.append(caller)
        }
        return entries
    }

    /// - Parameter place: where the key stands; the key itself is never shown.
    private static func digest(_ key: String, _ place: String) throws -> SHA256Digest {
        let text = key.filter { !$0.isWhitespace }
        guard let proof = TokenProof(text) else {
            throw ScorerAccessError("\(place) is no token of Slipway's, or mistyped")
        }
        return proof.digest
    }
}

/// Why nobody could call, or too many.
public struct ScorerAccessError: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
