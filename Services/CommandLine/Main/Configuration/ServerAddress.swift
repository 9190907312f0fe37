import HTTP

/// Where a registry is, as people write it: `http://host:port`, `https://host`, `unix:/path`.
struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    let address: SocketAddress
    let isSecure: Bool
    let description: String

    static let wanted = "an address such as http://127.0.0.1:7070, https://models.example.com or unix:/run/slipway.sock"

    /// - Returns: nil for anything else.
    init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.count > 1 else { return nil }
            self.init(.unix(path: path), false, text)
            return
        }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        var rest = text.dropFirst(isSecure ? 8 : 7)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) }) else { return nil }
        let hasPort = rest.hasPrefix("[") ? rest.contains("]:") : rest.contains(":")
        guard case .tcp(let host, let port)? = SocketAddress(hasPort ? String(rest) : "\(rest):\(isSecure ? 443 : 80)"),
            port > 0
        else { return nil }
        self.init(.tcp(host: host, port: port), isSecure, "\(isSecure ? "https" : "http")://\(rest)")
    }

    private init(_ address: SocketAddress, _ isSecure: Bool, _ description: String) {
        self.address = address
        self.isSecure = isSecure
        self.description = description
    }
}
