import Expressions
import ResourceKit

/// Reads a query: a condition of comparisons, and an order. Every error says the column and what was expected there.
struct SearchParser: ExpressionParsing {
    static let depthMax = 32
    static let comparisonsMax = 100
    static let listMax = 100
    static let orderMax = 8

    let tokens: [ExpressionToken]
    var position = 0
    private var comparisons = 0

    /// - Throws: `SearchError`.
    static func parse(_ query: String) throws(SearchError) -> SearchQuery {
        do {
            var parser = SearchParser(tokens: try ExpressionTokenizer.tokens(query))
            return try parser.query()
        } catch {
            throw SearchError(offset: error.offset, message: error.message, query: query)
        }
    }

    private init(tokens: [ExpressionToken]) { self.tokens = tokens }

    private mutating func query() throws(SearchError) -> SearchQuery {
        var query = SearchQuery()
        if current.content != .end, !isOrder { query.condition = try condition() }
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

    mutating func comparison() throws(SearchError) -> SearchQuery.Condition {
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
                isNegated,
                .comparison(field, .like(pattern: try pattern(keyword, example: "churn%"), ignoresCase: ignoresCase)))
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

    private mutating func list(_ field: SearchField) throws(SearchError) -> [SearchQuery.Value] {
        try list(most: SearchParser.listMax) { parser, what throws(SearchError) in try parser.value(field, after: what)
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
