/// Addresses of repositories and data, without what opens them.
enum RepositoryAddress {
    /// `https://ada:token@host/repository?token=…` as `https://host/repository`. The name before `@` stays where it is no
    /// secret but part of the address, as in `ssh://git@host/repository` and `git@host:repository`.
    static func withoutCredentials(_ address: String) -> String {
        guard let scheme = address.range(of: "://") else { return withoutPassword(address) }
        let isWeb = ["http", "https"].contains(address[..<scheme.lowerBound].lowercased())
        var rest = address[scheme.upperBound...]
        if isWeb, let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) { rest = rest[..<end] }
        let authorityEnd = rest.firstIndex(where: { "/?#".contains($0) }) ?? rest.endIndex
        guard let at = rest[..<authorityEnd].lastIndex(of: "@") else {
            return String(address[..<scheme.upperBound] + rest)
        }
        let user = rest[..<at].split(separator: ":", omittingEmptySubsequences: false).first ?? ""
        let isKept = address[..<scheme.lowerBound].lowercased().hasSuffix("ssh") && !user.isEmpty
        return "\(address[..<scheme.upperBound])\(isKept ? "\(user)@" : "")\(rest[rest.index(after: at)...])"
    }

    /// The short form of SSH: `git@host:repository`.
    private static func withoutPassword(_ address: String) -> String {
        guard let at = address.firstIndex(of: "@"), let colon = address[..<at].firstIndex(of: ":") else {
            return address
        }
        return String(address[..<colon] + address[at...])
    }
}

extension StringProtocol {
    /// Where the text first occurs; without Foundation.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
