import HTTP

/// Where a webhook is: an address of the web in its parts.
struct WebhookAddress: Hashable, Sendable {
    let isEncrypted: Bool
    /// A name or an address, without brackets.
    let host: String
    let port: Int
    /// Host and port as they were written.
    let authority: String
    /// Path and query.
    let target: String

    static let bytesMax = 2048

    /// - Throws: `DestinationError`.
    init(_ url: String) throws(DestinationError) {
        func refused(_ message: String) -> DestinationError {
            DestinationError(.invalid, field: "webhook.url", message)
        }
        guard url.utf8.count <= WebhookAddress.bytesMax else {
            throw refused("is longer than \(WebhookAddress.bytesMax) bytes")
        }
        guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) }) else {
            throw refused("has a character that belongs percent-encoded")
        }
        let lower = url.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else {
            throw refused("begins with neither https:// nor http://")
        }
        isEncrypted = scheme == "https://"
        let rest = url.dropFirst(scheme.count)
        guard !rest.contains("#") else { throw refused("has a fragment, which no server sees") }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = String(rest[..<end])
        guard !authority.contains("@") else {
            throw refused("has a user in it; put what the receiver wants to see into a header")
        }
        let hasPort = authority.last != "]" && authority.contains(":")
        guard !authority.hasPrefix(":"),
            case .tcp(let host, let port)? = SocketAddress(
                hasPort ? authority : "\(authority):\(isEncrypted ? 443 : 80)"),
            !authority.isEmpty, port > 0
        else { throw refused("names no host, or a port that is none") }
        self.host = host
        self.port = port
        let target = String(rest[end...])
        self.target = target.hasPrefix("/") ? target : "/" + target
    }
}
