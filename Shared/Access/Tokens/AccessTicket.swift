internal import COpenSSL
import Protobuf

/// A short-lived stand-in for a token, for clients that want one of their own before they fetch anything. It names the
/// token and says how much less it may do; whoever shows it is whoever has the token, for as long as the token itself
/// counts: revoked, it takes its tickets along.
public struct AccessTicket: Hashable, Sendable {
    public var token: TokenProof
    /// What it is for, in the words of whoever issues it.
    public var scopes: Set<String>
    /// Seconds since 1970.
    public var expires: Int64

    public init(token: TokenProof, scopes: Set<String>, expires: Int64) {
        self.token = token
        self.scopes = scopes
        self.expires = expires
    }
}

/// Makes tickets and reads them. Nothing is written down: any instance with the same key reads what another made.
public struct AccessTickets: Sendable {
    private static let prefix = "slt_"
    private static let macCount = 32
    private static let version: UInt8 = 1

    private let key: [UInt8]

    /// - Parameter key: 32 bytes that nobody outside knows.
    public init(key: [UInt8]) { self.key = key }

    /// Whether the text claims to be a ticket.
    public static func isTicket(_ text: some StringProtocol) -> Bool { text.hasPrefix(prefix) }

    public func seal(_ ticket: AccessTicket) -> String {
        var body: [UInt8] = [AccessTickets.version, Array(AccessToken.letter(ticket.token.kind).utf8)[0]]
        body += AccessTickets.bytes(ticket.token.number)
        body += ticket.token.digest.bytes
        body += AccessTickets.bytes(UInt64(bitPattern: ticket.expires))
        body += ticket.scopes.sorted().joined(separator: "\n").utf8
        return AccessTickets.prefix + Base64.encode((body + mac(body))[...])
    }

    /// - Returns: nil for what was not made with this key, and from `expires` on.
    public func open(_ text: String, at now: Int64) -> AccessTicket? {
        guard text.hasPrefix(AccessTickets.prefix), text.utf8.count <= 4096,
            let bytes = Base64.decode(String(text.dropFirst(AccessTickets.prefix.count))),
            bytes.count >= 50 + AccessTickets.macCount
        else { return nil }
        let body = Array(bytes.dropLast(AccessTickets.macCount))
        let shown = Array(bytes.suffix(AccessTickets.macCount))
        // Compared in a time that tells nothing.
        guard let shown = SHA256Digest(bytes: shown), let own = SHA256Digest(bytes: mac(body)), shown == own,
            body[0] == AccessTickets.version,
            let kind = PrincipalKind.allCases.first(where: { Array(AccessToken.letter($0).utf8)[0] == body[1] }),
            let digest = SHA256Digest(bytes: Array(body[10..<42])),
            let scopes = String(validating: body[50...], as: UTF8.self)
        else { return nil }
        let expires = Int64(bitPattern: AccessTickets.number(body[42..<50]))
        guard now < expires else { return nil }
        let token = TokenProof(kind: kind, number: AccessTickets.number(body[2..<10]), digest: digest)
        return AccessTicket(token: token, scopes: Set(scopes.split(separator: "\n").map(String.init)), expires: expires)
    }

    private func mac(_ body: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: AccessTickets.macCount)
        var count: UInt32 = 0
        let isDone = HMAC(EVP_sha256(), key, Int32(key.count), body, body.count, &result, &count) != nil
        // A library without SHA-256 can't tell anybody from anybody else.
        precondition(isDone && Int(count) == AccessTickets.macCount, "the cryptographic library refuses HMAC")
        return result
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
