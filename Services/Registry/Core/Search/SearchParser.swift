import ResourceKit

/// Reads a query: a condition of comparisons, and an order. Every error says the column and what was expected there.
struct SearchParser {
    static let depthMax = 32
    static let comparisonsMax = 100
    static let listMax = 100
    static let orderMax = 8

    private let tokens: [SearchToken]
    private var position = 0
    private var comparisons = 0

    /// - Throws: `SearchError`.
    static func parse(_ query: String) throws(SearchError) -> SearchQuery {
        do {
            var parser = SearchParser(tokens: try SearchTokenizer.tokens(query))
            return try parser.query()
        } catch {
            throw SearchError(offset: error.offset, message: error.message, query: query)
        }
    }

    private init(tokens: [SearchToken]) { self.tokens = tokens }

    /// The last token is the end, and is never passed.
    var current: SearchToken { tokens[min(position, tokens.count - 1)] }
    private var following: SearchToken { tokens[min(position + 1, tokens.count - 1)] }

    mutating func advance() { position += 1 }

    mutating func take(keyword: String) -> Bool {
        guard current.isKeyword(keyword) else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard current.isSymbol(symbol) else { return false }
        advance()
        return true
    }

    func failure(_ message: String, at token: SearchToken? = nil) -> SearchError {
        SearchError(offset: (token ?? current).offset, message: message)
    }

    private mutating func query() throws(SearchError) -> SearchQuery {
        var query = SearchQuery()
        if current.content != .end, !isOrder { query.condition = try alternatives(depth: 0) }
        if isOrder {
            position += 2
            query.order = try order()
        }
        guard current.content == .end else {
            if current.isSymbol(")") { throw failure("there is no '(' for this ')'") }
            throw failure("expected AND, OR, ORDER BY or the end, and found \(current.shown)")
        }
        return query
    }

    private var isOrder: Bool { current.isKeyword("ORDER") && following.isKeyword("BY") }

    // MARK: conditions

    private mutating func alternatives(depth: Int) throws(SearchError) -> SearchQuery.Condition {
        var parts = [try conjunction(depth: depth)]
        while take(keyword: "OR") { parts.append(try conjunction(depth: depth)) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction(depth: Int) throws(SearchError) -> SearchQuery.Condition {
        var parts = [try negation(depth: depth)]
        while take(keyword: "AND") { parts.append(try negation(depth: depth)) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func negation(depth: Int) throws(SearchError) -> SearchQuery.Condition {
        guard depth < SearchParser.depthMax else {
            throw failure("conditions are nested more than \(SearchParser.depthMax) deep")
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

    private mutating func comparison() throws(SearchError) -> SearchQuery.Condition {
        comparisons += 1
        guard comparisons <= SearchParser.comparisonsMax else {
            throw failure("there are more than \(SearchParser.comparisonsMax) comparisons")
        }
        let field = try field(expecting: "a condition, such as name = 'churn'")
        let start = current
        if take(keyword: "IS") {
            let isNegated = take(keyword: "NOT")
            guard take(keyword: "NULL") else { throw failure("expected NULL after 'IS\(isNegated ? " NOT" : "")'") }
            return negated(isNegated, .comparison(field, .isNull))
        }
        let isNegated = take(keyword: "NOT")
        let word = current
        if take(keyword: "IN") { return negated(isNegated, .comparison(field, .oneOf(try list(field)))) }
        for (keyword, ignoresCase) in [("LIKE", false), ("ILIKE", true)] where take(keyword: keyword) {
            guard field.kind == .text else {
                throw failure("\(field.text) is \(field.kind.rawValue), and \(keyword) compares text", at: word)
            }
            return negated(
                isNegated, .comparison(field, .like(pattern: try pattern(keyword), ignoresCase: ignoresCase)))
        }
        if isNegated { throw failure("expected IN, LIKE or ILIKE after 'NOT', and found \(current.shown)") }
        guard let relation = relation() else {
            throw failure(
                "expected a comparison after \(field.text): =, !=, <, <=, >, >=, LIKE, ILIKE, IN or IS NULL", at: start)
        }
        let symbol = start.shown
        let value = try value(field, after: symbol)
        return .comparison(field, .relation(relation, value))
    }

    private func negated(_ isNegated: Bool, _ condition: SearchQuery.Condition) -> SearchQuery.Condition {
        isNegated ? .not(condition) : condition
    }

    private mutating func relation() -> SearchQuery.Relation? {
        guard case .symbol(let symbol) = current.content else { return nil }
        let name = ["!=": "<>", "==": "="][symbol] ?? symbol
        guard let relation = SearchQuery.Relation(rawValue: name) else { return nil }
        advance()
        return relation
    }

    private mutating func list(_ field: SearchField) throws(SearchError) -> [SearchQuery.Value] {
        guard take(symbol: "(") else { throw failure("expected '(' after 'IN'") }
        var values = [try value(field, after: "'('")]
        while take(symbol: ",") {
            values.append(try value(field, after: "','"))
            guard values.count <= SearchParser.listMax else {
                throw failure("the list has more than \(SearchParser.listMax) values")
            }
        }
        guard take(symbol: ")") else { throw failure("expected ',' or ')' in the list, and found \(current.shown)") }
        return values
    }

    private mutating func pattern(_ keyword: String) throws(SearchError) -> String {
        let token = current
        switch token.content {
        case .text(let text), .quoted(let text):
            // A backslash takes the meaning off % and _; at the end there is nothing to take it off.
            let trailing = text.reversed().prefix { $0 == "\\" }.count
            guard trailing.isMultiple(of: 2) else {
                throw failure("the pattern ends in a lone backslash; write two for the character itself")
            }
            advance()
            return text
        default: throw failure("expected a pattern in quotes after '\(keyword)', such as 'churn%'")
        }
    }

    // MARK: order

    private mutating func order() throws(SearchError) -> [SearchQuery.Order] {
        var order: [SearchQuery.Order] = []
        repeat {
            let start = current
            let field = try field(expecting: "a field to order by")
            if field.isMany {
                throw failure("a version may have several of \(field.text): nothing to order by", at: start)
            }
            let isDescending = take(keyword: "DESC")
            if !isDescending { _ = take(keyword: "ASC") }
            order.append(SearchQuery.Order(field: field, isDescending: isDescending))
            guard order.count <= SearchParser.orderMax else {
                throw failure("an order has \(SearchParser.orderMax) fields at most", at: start)
            }
        } while take(symbol: ",")
        return order
    }
}
