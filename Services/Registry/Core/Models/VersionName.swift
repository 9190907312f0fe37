import RPC

/// How a caller names a version: `churn/3`, `churn:3`, `churn/latest`, `churn@champion`, with or without `models:/`.
struct VersionReference: Hashable, Sendable {
    enum Which: Hashable, Sendable {
        case number(Int32)
        /// The highest one that is not deleted.
        case latest
        case alias(String)
    }

    let name: String
    let which: Which

    init(name: String, which: Which) {
        self.name = name
        self.which = which
    }

    /// - Parameter field: how the request calls what is parsed, for the error.
    /// - Throws: `RPCError` `invalidArgument` that says what a name looks like.
    init(_ text: some StringProtocol, field: String = "version") throws(RPCError) {
        let plain = text.hasPrefix("models:/") ? text.dropFirst("models:/".count) : text[...]
        guard let mark = plain.firstIndex(where: { "/:@".contains($0) }) else {
            throw VersionReference.malformed(text, field)
        }
        let model = plain[..<mark]
        let rest = plain[plain.index(after: mark)...]
        let selector = plain[mark] == "@" ? VersionReference.alias(rest) : VersionReference.selector(rest)
        guard VersionReference.isModel(model), let selector else { throw VersionReference.malformed(text, field) }
        self.init(name: String(model), which: selector)
    }

    /// As it is written in messages.
    var text: String {
        switch which {
        case .number(let number): "\(name):\(number)"
        case .latest: "\(name)/latest"
        case .alias(let alias): "\(name)@\(alias)"
        }
    }

    private static func malformed(_ text: some StringProtocol, _ field: String) -> RPCError {
        .badRequest(
            field: field,
            "\"\(text.prefix(200))\" names no version: that is name/3, name/latest or name@alias, where a name has up to "
                + "128 of letters, digits, '.', '_' and '-'")
    }

    private static func selector(_ text: some StringProtocol) -> Which? {
        if text == "latest" { return .latest }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text.utf8.first != 48, let number = Int32(text) else {
            return nil
        }
        return .number(number)
    }

    private static func alias(_ text: some StringProtocol) -> Which? {
        let isFine =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45 }
        return isFine ? .alias(String(text)) : nil
    }

    private static func isModel(_ text: some StringProtocol) -> Bool {
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
        }
        return (1...128).contains(text.utf8.count) && text.utf8.first.map(isLetterOrDigit) == true
            && text.utf8.allSatisfy { isLetterOrDigit($0) || [46, 95, 45].contains($0) }
    }
}
