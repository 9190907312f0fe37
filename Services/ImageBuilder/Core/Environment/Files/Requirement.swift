/// What somebody wants of one package, as Python's tools write it: `numpy[extra]>=1.26,<3; python_version < "3.12"`.
struct Requirement: Hashable, Sendable {
    /// As the index normalises it: `scikit-learn`.
    var name: String
    var extras: [String] = []
    /// `>=1.26`, each with its operator, without blanks.
    var versions: [String] = []
    /// When it holds; empty where always.
    var marker = ""
    /// `sha256:…`, of the files that are right.
    var hashes: [String] = []

    /// The same for everything that means the same, and what the resolver is given.
    var text: String {
        var text = name
        if !extras.isEmpty { text += "[\(extras.joined(separator: ","))]" }
        text += versions.joined(separator: ",")
        if !marker.isEmpty { text += " ; \(marker)" }
        for hash in hashes { text += " --hash=\(hash)" }
        return text
    }

    /// Lower case, with one dash for what separates words.
    static func normal(_ name: some StringProtocol) -> String {
        name.lowercased().split(whereSeparator: { "-_.".contains($0) }).joined(separator: "-")
    }

    static let operators = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"]
}

extension Requirement {
    /// - Throws: `RequirementError` with what is wrong and what would be right.
    init(_ text: some StringProtocol) throws(RequirementError) {
        var rest = Substring(text).trimmed
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard let first = name.first, let last = name.last, first.isLetter || first.isNumber,
            last.isLetter || last.isNumber
        else { throw RequirementError("\(rest.shown) begins with no package's name") }
        self.init(name: Self.normal(name))
        rest = rest.dropFirst(name.count).trimmed
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else {
                throw RequirementError("the bracket of extras is not closed")
            }
            extras = rest[..<end].dropFirst().split(separator: ",").map { Self.normal($0.trimmed) }
            let isProper = extras.joined().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            guard isProper else {
                throw RequirementError("\(rest[...end].shown) names no extras")
            }
            extras = Array(Set(extras)).sorted()
            rest = rest[rest.index(after: end)...].trimmed
        }
        guard rest.first != "@" else {
            throw RequirementError(
                "\(name) is wanted from an address; packages come from the builder's index: name a version, "
                    + "`\(name)==1.2.3`")
        }
        let parts = rest.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { marker = try Self.marker(parts[1]) }
        var wanted = (parts.first ?? "").trimmed
        if wanted.hasPrefix("("), wanted.hasSuffix(")") { wanted = wanted.dropFirst().dropLast() }
        for version in wanted.split(separator: ",").map(\.trimmed) where !version.isEmpty {
            versions.append(try Self.version(version, of: name))
        }
        versions = Array(Set(versions)).sorted()
    }

    private static func version(_ text: Substring, of name: Substring) throws(RequirementError) -> String {
        guard let sign = operators.first(where: { text.hasPrefix($0) }) else {
            if text.first == "=" {
                let text = text.prefix(80)
                throw RequirementError("`\(name)\(text)` is conda's spelling; pip's is `\(name)=\(text)`")
            }
            throw RequirementError("after \(name) stands \(text.shown), which is no version: `\(name)==1.2.3`")
        }
        let version = text.dropFirst(sign.count).trimmed
        guard !version.isEmpty,
            version.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".*+!_-".contains($0)) })
        else { throw RequirementError("\(name)\(sign) is followed by \(version.shown), which is no version") }
        return sign + version.lowercased()
    }

    private static func marker(_ text: Substring) throws(RequirementError) -> String {
        let text = text.trimmed
        guard !text.isEmpty else { throw RequirementError("nothing follows the `;`") }
        let hasOperator = ["==", "!=", "<", ">", " in ", "~="].contains { text.contains($0) }
        let isPrintable = text.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 && $0.value < 0x7F }
        guard isPrintable, hasOperator else {
            throw RequirementError("\(text.shown) is no condition: `; python_version < \"3.12\"`")
        }
        return text.split(separator: " ").joined(separator: " ").replacing("'", with: "\"")
    }
}

/// What is wrong with a requirement; the caller adds which line.
struct RequirementError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension StringProtocol {
    var trimmed: Substring {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    /// Short, and in quotes.
    var shown: String {
        let text = unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }.joined()
        return "`\(text)`"
    }
}
