/// A version of Python: `3.11`, `3.11.2`.
struct PythonVersion: Hashable, Sendable, CustomStringConvertible {
    let parts: [Int]

    /// Nil where the text is no such version.
    init?(_ text: some StringProtocol) {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = words.compactMap { $0.utf8.count <= 4 ? UInt16($0) : nil }
        guard (1...3).contains(words.count), numbers.count == words.count else { return nil }
        parts = numbers.map(Int.init)
    }

    var description: String { parts.map(String.init).joined(separator: ".") }

    /// `3.11`.
    var minor: String { parts.prefix(2).map(String.init).joined(separator: ".") }
}

/// Which Pythons somebody's file takes: `3.11`, `>=3.9,<3.12`.
struct PythonConstraint: Hashable, Sendable, CustomStringConvertible {
    private let conditions: [Condition]
    let description: String

    private struct Condition: Hashable, Sendable {
        let sign: String
        let version: PythonVersion
        let isPrefix: Bool
    }

    /// - Parameter text: what stands behind `python` in a conda environment.
    /// - Throws: `RequirementError`.
    init(_ text: some StringProtocol) throws(RequirementError) {
        var conditions: [Condition] = []
        for part in text.split(separator: ",").map(\.trimmed) where !part.isEmpty {
            let sign = (Requirement.operators + ["="]).first { part.hasPrefix($0) } ?? "="
            var version = part.dropFirst(part.hasPrefix(sign) ? sign.count : 0).trimmed
            // Behind the version of conda stands which of its builds is meant.
            if sign == "=" || sign == "==" { version = version.prefix { $0 != "=" && !$0.isWhitespace } }
            let isPrefix = version.hasSuffix(".*") || sign == "="
            if version.hasSuffix(".*") { version = version.dropLast(2) }
            if version == "*" { continue }
            guard let number = PythonVersion(version) else {
                throw RequirementError("`python\(part)` names no version of Python: `python=3.11`")
            }
            conditions.append(Condition(sign: sign, version: number, isPrefix: isPrefix))
        }
        self.conditions = conditions
        description = String(text.trimmed)
    }

    /// Whether a Python will do. Where only its first numbers are known, the others are not held against it.
    func allows(_ python: PythonVersion) -> Bool {
        conditions.allSatisfy { condition in
            let wanted = condition.version.parts
            let known = min(wanted.count, python.parts.count)
            let isSame = python.parts.prefix(known).elementsEqual(wanted.prefix(known))
            // Equal as far as both say, and one says more: `3.11` and `3.11.2`.
            let isOpen = isSame && python.parts.count < wanted.count
            let order = Self.order(python.parts, wanted)
            return switch condition.sign {
            case "=": isSame
            case "==", "===": condition.isPrefix || wanted.count < 3 ? isSame : order == 0 || isOpen
            case "!=": condition.isPrefix ? !isSame : order != 0 || isOpen
            case "~=": order >= 0 && python.parts.starts(with: wanted.dropLast()) || isOpen
            case "<=": order <= 0 || isOpen
            case ">=": order >= 0 || isOpen
            case "<": order < 0 || isOpen
            default: order > 0 || isOpen
            }
        }
    }

    private static func order(_ one: [Int], _ other: [Int]) -> Int {
        for index in 0..<max(one.count, other.count) {
            let (left, right) = (index < one.count ? one[index] : 0, index < other.count ? other[index] : 0)
            if left != right { return left < right ? -1 : 1 }
        }
        return 0
    }
}
