/// What an expression comes to: comparisons, joined.
package protocol ExpressionCondition {
    static func and(_ parts: [Self]) -> Self
    static func or(_ parts: [Self]) -> Self
    static func not(_ part: Self) -> Self
}

/// Reads an expression word by word. What reads a language brings its comparisons; how they are joined is the same in all of
/// ours: OR binds least, then AND, then NOT, and parentheses stand for what is in them.
package protocol ExpressionParsing {
    associatedtype Condition: ExpressionCondition

    var tokens: [ExpressionToken] { get }
    var position: Int { get set }
    /// How deep conditions may be inside each other.
    static var depthMax: Int { get }

    mutating func comparison() throws(ExpressionError) -> Condition
}

extension ExpressionParsing {
    /// The last token is the end, and is never passed.
    package var current: ExpressionToken { tokens[min(position, tokens.count - 1)] }
    package var following: ExpressionToken { tokens[min(position + 1, tokens.count - 1)] }

    package mutating func advance() { position += 1 }

    package mutating func take(keyword: String) -> Bool {
        guard current.isKeyword(keyword) else { return false }
        advance()
        return true
    }

    package mutating func take(symbol: String) -> Bool {
        guard current.isSymbol(symbol) else { return false }
        advance()
        return true
    }

    package func failure(_ message: String, at token: ExpressionToken? = nil) -> ExpressionError {
        ExpressionError(offset: (token ?? current).offset, message: message)
    }

    package mutating func condition() throws(ExpressionError) -> Condition { try alternatives(depth: 0) }

    private mutating func alternatives(depth: Int) throws(ExpressionError) -> Condition {
        var parts = [try conjunction(depth: depth)]
        while take(keyword: "OR") { parts.append(try conjunction(depth: depth)) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction(depth: Int) throws(ExpressionError) -> Condition {
        var parts = [try negation(depth: depth)]
        while take(keyword: "AND") { parts.append(try negation(depth: depth)) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func negation(depth: Int) throws(ExpressionError) -> Condition {
        guard depth < Self.depthMax else {
            throw failure("conditions are nested more than \(Self.depthMax) deep")
        }
        let opening = current
        if take(keyword: "NOT") { return .not(try negation(depth: depth + 1)) }
        guard take(symbol: "(") else { return try comparison() }
        let inner = try alternatives(depth: depth + 1)
        guard take(symbol: ")") else {
            if current.content == .end { throw failure("this '(' has no ')'", at: opening) }
            throw failure("expected AND, OR or ')', and found \(current.shown)")
        }
        return inner
    }

    /// A pattern of LIKE: `%` stands for any text, `_` for one character, `\` takes their meaning away.
    package mutating func pattern(_ keyword: String, example: String) throws(ExpressionError) -> String {
        let token = current
        switch token.content {
        case .text(let text), .quoted(let text):
            let trailing = text.reversed().prefix { $0 == "\\" }.count
            guard trailing.isMultiple(of: 2) else {
                throw failure("the pattern ends in a lone backslash; write two for the character itself")
            }
            advance()
            return text
        default: throw failure("expected a pattern in quotes after '\(keyword)', such as '\(example)'")
        }
    }

    /// What stands in parentheses after IN.
    package mutating func list<Value>(
        most: Int, _ value: (inout Self, _ after: String) throws(ExpressionError) -> Value
    ) throws(ExpressionError) -> [Value] {
        guard take(symbol: "(") else { throw failure("expected '(' after 'IN'") }
        var values = [try value(&self, "'('")]
        while take(symbol: ",") {
            values.append(try value(&self, "','"))
            guard values.count <= most else { throw failure("the list has more than \(most) values") }
        }
        guard take(symbol: ")") else { throw failure("expected ',' or ')' in the list, and found \(current.shown)") }
        return values
    }

    /// A comparison's sign, of which there are six; `!=` and `==` are ways to write two of them.
    package mutating func relation() -> ExpressionRelation? {
        guard case .symbol(let symbol) = current.content else { return nil }
        let name = ["!=": "<>", "==": "="][symbol] ?? symbol
        guard let relation = ExpressionRelation(rawValue: name) else { return nil }
        advance()
        return relation
    }
}

package enum ExpressionRelation: String, Equatable, CaseIterable, Sendable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}
