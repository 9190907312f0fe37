/// Where an endpoint answers, in its parts: `https://churn.example.com:7443/endpoints/default/churn`.
struct EndpointAddress: Equatable, CustomStringConvertible {
    let isSecure: Bool
    /// Host and port.
    let authority: String
    /// Without a slash at its end.
    let path: String

    static let wanted = "an address such as http://127.0.0.1:7080/endpoints/default/churn"

    /// - Returns: nil for anything else.
    init?(_ text: String) {
        isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        authority = String(rest.prefix { $0 != "/" })
        var path = rest.dropFirst(authority.count)
        while path.last == "/" { path = path.dropLast() }
        self.path = String(path)
        let isClean = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !rest.contains { "?#@".contains($0) }
        guard !authority.isEmpty, isClean else { return nil }
    }

    var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path)" }
}
