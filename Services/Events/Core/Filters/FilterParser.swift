import Expressions
import Spelling

/// Reads a filter. Every error says the place and what was expected there.
struct FilterParser: ExpressionParsing {
    static let depthMax = 32
    static let comparisonsMax = 100
    static let listMax = 100
    static let pathMax = 16

    let tokens: [ExpressionToken]
    var position = 0
    private var comparisons = 0

    /// - Returns: nil for the empty text, which lets everything through.
    static func parse(_ text: String) throws(ExpressionError) -> FilterCondition? {
        var parser = FilterParser(tokens: try ExpressionTokenizer.tokens(text))
        guard parser.current.content != .end else { return nil }
        let condition = try parser.condition()
        guard parser.current.content == .end else {
            if parser.current.isSymbol(")") { throw parser.failure("there is no '(' for this ')'") }
            throw parser.failure("expected AND, OR or the end, and found \(parser.current.shown)")
        }
        return condition
    }

    private init(tokens: [ExpressionToken]) { self.tokens = tokens }

    mutating func comparison() throws(ExpressionError) -> FilterCondition {
        comparisons += 1
        guard comparisons <= FilterParser.comparisonsMax else {
            throw failure("there are more than \(FilterParser.comparisonsMax) comparisons")
        }
        if take(keyword: "EXISTS") {
            let opening = current
            guard take(symbol: "(") else { return .comparison(try field(), .exists) }
            let field = try field()
            guard take(symbol: ")") else { throw failure("this '(' has no ')'", at: opening) }
            return .comparison(field, .exists)
        }
        let field = try field()
        let start = current
        if take(keyword: "EXISTS") { return .comparison(field, .exists) }
        if take(keyword: "IS") {
            let isNegated = take(keyword: "NOT")
            guard take(keyword: "NULL") else { throw failure("expected NULL after 'IS\(isNegated ? " NOT" : "")'") }
            return isNegated ? .comparison(field, .exists) : .not(.comparison(field, .exists))
        }
        let isNegated = take(keyword: "NOT")
        if let found = try wordComparison(field) {
            return isNegated ? .not(.comparison(field, found)) : .comparison(field, found)
        }
        if isNegated { throw failure("expected IN, LIKE or ILIKE after 'NOT', and found \(current.shown)") }
        guard let relation = relation() else {
            throw failure(
                "expected a comparison after \(field.text): =, !=, <, <=, >, >=, LIKE, ILIKE, IN, EXISTS or IS NULL",
                at: start)
        }
        let value = try value(of: field, after: start.shown)
        if case .boolean = value, relation != .equal, relation != .notEqual {
            throw failure("true and false are not less or more than anything", at: start)
        }
        return .comparison(field, .relation(relation, value))
    }

    private mutating func wordComparison(_ field: EventField) throws(ExpressionError) -> FilterComparison? {
        let word = current
        if take(keyword: "IN") {
            let values = try list(most: FilterParser.listMax) { parser, what throws(ExpressionError) in
                try parser.value(of: field, after: what)
            }
            return .oneOf(values)
        }
        for (keyword, ignoresCase) in [("LIKE", false), ("ILIKE", true)] where take(keyword: keyword) {
            guard field != .time else { throw failure("time is a time, and \(keyword) compares text", at: word) }
            let pattern = try pattern(keyword, example: "models/%")
            return .like(FilterPattern(pattern, ignoresCase: ignoresCase))
        }
        return nil
    }

    // MARK: Fields

    private static let keywords: Set = [
        "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "IS", "NULL", "TRUE", "FALSE",
    ]

    private mutating func field() throws(ExpressionError) -> EventField {
        let what = "a condition, such as type = 'slipway.model.registered'"
        let start = current
        guard case .word(let word) = start.content, !FilterParser.keywords.contains(word.uppercased()) else {
            throw failure("expected \(what), and found \(start.shown)")
        }
        advance()
        if word.lowercased() == "data" {
            guard current.isSymbol(".") else {
                throw failure("expected '.' and a name after 'data', such as data.name", at: current)
            }
            return .data(try path())
        }
        guard let field = EventField(name: word) else { throw unknown(word, start) }
        return field
    }

    private mutating func path() throws(ExpressionError) -> [String] {
        var path: [String] = []
        while take(symbol: ".") {
            switch current.content {
            case .word(let key), .quoted(let key): path.append(key)
            default:
                throw failure("expected a name after '.'; other than letters, digits and _ it stands in double quotes")
            }
            guard path.count <= FilterParser.pathMax else {
                throw failure("the path has more than \(FilterParser.pathMax) names")
            }
            advance()
        }
        return path
    }

    private func unknown(_ name: String, _ token: ExpressionToken) -> ExpressionError {
        let near = NearNames.nearest(to: name, of: EventField.names)
        let hint = near.map { "; did you mean '\($0)'?" } ?? "; there are \(EventField.names.joined(separator: ", "))"
        return failure("there is no field '\(name)'\(hint)", at: token)
    }

    // MARK: Values

    private mutating func value(of field: EventField, after what: String) throws(ExpressionError) -> FilterValue {
        let token = current
        let value: FilterValue?
        switch (token.content, field) {
        case (.text(let text), .time), (.quoted(let text), .time): value = EventTime.parse(text).map { .time($0) }
        case (.text(let text), _), (.quoted(let text), _): value = .text(text)
        case (.number(let text), .data): value = Double(text).flatMap { $0.isFinite ? .number($0) : nil }
        case (.word(let word), .data) where ["true", "false"].contains(word.lowercased()):
            value = .boolean(word.lowercased() == "true")
        case (.end, _), (.symbol, _): throw failure("expected a value after \(what)")
        case (.word(let word), _):
            throw failure("expected a value after \(what); text stands in quotes: '\(word)'")
        default: value = nil
        }
        guard let value else {
            let kind = field == .time ? "a time in quotes, such as '2026-01-31T12:00:00Z'" : "text in quotes"
            let isData = if case .data = field { true } else { false }
            throw failure(
                isData
                    ? "\(token.shown) is no number that can be held"
                    : "\(field.text) is \(kind), which \(token.shown) is not")
        }
        advance()
        return value
    }
}
