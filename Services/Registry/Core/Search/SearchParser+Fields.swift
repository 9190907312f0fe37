import Expressions
import ResourceKit
import Protobuf

extension SearchParser {
    /// A field: a word, or a word, a dot and a key.
    mutating func field(expecting what: String) throws(SearchError) -> SearchField {
        let start = current
        guard case .word(let word) = start.content else {
            if case .end = start.content { throw failure("expected \(what), and found the end") }
            throw failure("expected \(what), and found \(start.shown)")
        }
        if ["AND", "OR", "ORDER", "BY", "IN", "LIKE", "ILIKE", "IS", "NULL", "ASC", "DESC"].contains(word.uppercased())
        {
            throw failure("expected \(what), and found \(start.shown)")
        }
        advance()
        guard take(symbol: ".") else {
            if let field = SearchField(name: word) { return field }
            if ["tags", "properties", "metrics"].contains(word.lowercased()) {
                throw failure("expected '.' and a key after '\(word)', such as \(word).team")
            }
            throw unknown(word, start)
        }
        let key = try key(of: word)
        guard let field = SearchField(group: word, key: key) else { throw unknown("\(word).\(key)", start) }
        return field
    }

    /// A key in quotes, or words with dots between them: `tags.mlflow.user`.
    private mutating func key(of group: String) throws(SearchError) -> String {
        if case .quoted(let key) = current.content {
            guard NameRules.isKey(key) else { throw failure("\(shown(key)) is no key: \(NameRules.key)") }
            advance()
            return key
        }
        var words: [String] = []
        repeat {
            guard case .word(let word) = current.content else {
                throw failure("expected a key after '\(group).'; other than letters, digits and _ it stands in quotes")
            }
            words.append(word)
            advance()
        } while take(symbol: ".")
        return words.joined(separator: ".")
    }

    private func unknown(_ name: String, _ token: ExpressionToken) -> SearchError {
        let near = NearNames.nearest(to: name, of: SearchField.names + ["git.commit"])
        let hint = near.map { "; did you mean '\($0)'?" } ?? "; there are \(SearchField.names.joined(separator: ", "))"
        return failure("there is no field '\(name)'\(hint)", at: token)
    }

    /// A value as the field compares it.
    mutating func value(_ field: SearchField, after what: String) throws(SearchError) -> SearchQuery.Value {
        let token = current
        let value: SearchQuery.Value?
        switch (token.content, field.kind) {
        case (.text(let text), .text), (.quoted(let text), .text): value = .text(text)
        case (.number(let text), .integer): value = Int64(text).map { .integer($0) }
        case (.number(let text), .number):
            value = Double(text).flatMap { $0.isFinite ? .number($0) : nil }
        case (.text(let text), .time), (.quoted(let text), .time): value = SearchParser.time(text).map { .time($0) }
        case (.end, _), (.symbol, _): throw failure("expected a value after \(what)")
        case (.word, .text): throw failure("expected a value after \(what); text stands in quotes: '\(token.bare)'")
        default: value = nil
        }
        guard let value else {
            throw failure("\(field.text) is \(field.kind.rawValue), which \(token.shown) is not")
        }
        advance()
        return value
    }

    /// A day, which begins at midnight UTC, or a time of RFC 3339. Microseconds since 1970.
    static func time(_ text: String) -> Int64? {
        let isDay = text.utf8.count == 10
        guard let time = Google.Protobuf.Timestamp(rfc3339: isDay ? text + "T00:00:00Z" : text) else { return nil }
        return time.seconds * 1_000_000 + Int64(time.nanos) / 1000
    }
}
