/// Which version of a thing somebody means: `churn/3`, `churn:3`, `churn/latest`, `churn@champion`.
package struct VersionReference: Hashable, Sendable {
    package enum Which: Hashable, Sendable {
        case number(Int32)
        case latest
        case alias(String)
    }
    package let name: String
    package let which: Which

    package init(name: String, which: Which) {
        self.name = name
        self.which = which
    }

    /// Nil for what is none.
    /// - Parameter isName: whether something of that name can be.
    package init?(_ text: some StringProtocol, isName: (String) -> Bool) {
        guard let mark = text.lastIndex(where: { $0 == "@" || $0 == "/" || $0 == ":" }) else { return nil }
        name = String(text[..<mark])
        let behind = String(text[text.index(after: mark)...])
        guard isName(name) else { return nil }
        if text[mark] == "@" {
            guard NameRules.isAlias(behind) else { return nil }
            which = .alias(behind)
        } else if behind == "latest" {
            which = .latest
        } else {
            // Digits alone: neither signs nor zeros in front, so that a version has one name.
            guard let number = Int32(behind), number > 0, "\(number)" == behind else { return nil }
            which = .number(number)
        }
    }

    /// As it is written in messages.
    package var text: String {
        switch which {
        case .number(let number): "\(name):\(number)"
        case .latest: "\(name)/latest"
        case .alias(let alias): "\(name)@\(alias)"
        }
    }
}
