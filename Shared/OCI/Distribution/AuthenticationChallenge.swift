/// What a registry asks for before it answers: `Basic`, or a token of a server that it names.
enum AuthenticationChallenge: Equatable {
    case basic
    case bearer(realm: String, service: String, scope: String)

    /// Reads a `WWW-Authenticate` header. Nil where it asks for something else.
    init?(_ header: String) {
        let scheme = header.prefix { $0 != " " }.lowercased()
        guard scheme != "basic" else {
            self = .basic
            return
        }
        guard scheme == "bearer" else { return nil }
        let parameters = Self.parameters(header.dropFirst(scheme.count))
        guard let realm = parameters["realm"] else { return nil }
        self = .bearer(realm: realm, service: parameters["service"] ?? "", scope: parameters["scope"] ?? "")
    }

    /// `name="value"` by commas; values in quotes may hold commas and escaped characters.
    private static func parameters(_ text: Substring) -> [String: String] {
        var found: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].trimmed.lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    value.append(character == "\\" ? rest.popFirst() ?? "\\" : character)
                }
                rest = rest.drop { $0 != "," }
            } else {
                value = rest.prefix { $0 != "," }.trimmed
                rest = rest.drop { $0 != "," }
            }
            rest = rest.dropFirst()
            found[name] = value
        }
        return found
    }
}

extension Substring {
    fileprivate var trimmed: String {
        let blanks: Set<Character> = [" ", "\t", ","]
        let start = drop { blanks.contains($0) }
        return String(start.reversed().drop { blanks.contains($0) }.reversed())
    }
}
