import ResourceKit

/// A word of a query with its place.
struct SearchToken: Equatable {
    enum Content: Equatable {
        /// A name, or a keyword where one is expected.
        case word(String)
        /// In single quotes.
        case text(String)
        /// In double quotes or backticks: a key, or a value where one is expected.
        case quoted(String)
        case number(String)
        /// `=`, `(`, `.` and the like.
        case symbol(String)
        case end
    }
    let content: Content
    /// Characters before it.
    let offset: Int

    /// As an error names it.
    var shown: String {
        switch content {
        case .word(let word): "'\(word)'"
        case .text(let text): "'\(text.prefix(40))'"
        case .quoted(let text): "\"\(text.prefix(40))\""
        case .number(let text): "'\(text)'"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end"
        }
    }

    func isKeyword(_ keyword: String) -> Bool {
        if case .word(let word) = content { word.uppercased() == keyword } else { false }
    }

    func isSymbol(_ symbol: String) -> Bool { content == .symbol(symbol) }
}

/// Cuts a query into words.
struct SearchTokenizer {
    static let charactersMax = 8192

    private let characters: [Character]
    private var position = 0

    private init(_ query: String) { characters = Array(query) }

    /// The words, with one for the end.
    static func tokens(_ query: String) throws(SearchError) -> [SearchToken] {
        var tokenizer = SearchTokenizer(query)
        guard tokenizer.characters.count <= charactersMax else {
            throw SearchError(
                offset: charactersMax,
                message: "the query has \(tokenizer.characters.count) characters; \(charactersMax) at most")
        }
        var tokens: [SearchToken] = []
        while let token = try tokenizer.next() { tokens.append(token) }
        tokens.append(SearchToken(content: .end, offset: tokenizer.characters.count))
        return tokens
    }

    private var current: Character? { position < characters.count ? characters[position] : nil }

    private mutating func next() throws(SearchError) -> SearchToken? {
        while let space = current, space.isWhitespace { position += 1 }
        guard let first = current else { return nil }
        let start = position
        switch first {
        case "'": return SearchToken(content: .text(try quoted("'")), offset: start)
        case "\"", "`": return SearchToken(content: .quoted(try quoted(first)), offset: start)
        case _
        where isDigit(first) || (isSign(first) && position + 1 < characters.count && isDigit(characters[position + 1])):
            return SearchToken(content: .number(try number()), offset: start)
        case _ where isWord(first): return SearchToken(content: .word(word()), offset: start)
        default: return SearchToken(content: .symbol(try symbol(first)), offset: start)
        }
    }

    /// Text to its closing quote; the quote itself stands in it twice.
    private mutating func quoted(_ quote: Character) throws(SearchError) -> String {
        let start = position
        position += 1
        var text = ""
        while let character = current {
            position += 1
            if character == "\0" { throw SearchError(offset: position - 1, message: "a zero character is no text") }
            guard character == quote else {
                text.append(character)
                continue
            }
            guard current == quote else { return text }
            text.append(quote)
            position += 1
        }
        throw SearchError(offset: start, message: "the text that begins here has no closing \(quote)")
    }

    private mutating func number() throws(SearchError) -> String {
        let start = position
        if isSign(characters[position]) { position += 1 }
        skipDigits()
        if current == "." {
            position += 1
            skipDigits()
        }
        if current == "e" || current == "E" {
            position += 1
            if let sign = current, isSign(sign) { position += 1 }
            skipDigits()
        }
        // `3x` is a slip, not a number and a name.
        if let behind = current, isWord(behind) || behind == "." {
            throw SearchError(offset: start, message: "a number ends in '\(behind)'; text stands in quotes: 'text'")
        }
        return String(characters[start..<position])
    }

    private mutating func skipDigits() {
        while let digit = current, isDigit(digit) { position += 1 }
    }

    private mutating func word() -> String {
        let start = position
        while let character = current, isWord(character) || isDigit(character) { position += 1 }
        return String(characters[start..<position])
    }

    private mutating func symbol(_ first: Character) throws(SearchError) -> String {
        let two = position + 1 < characters.count ? String([first, characters[position + 1]]) : ""
        if ["!=", "<>", "<=", ">=", "=="].contains(two) {
            position += 2
            return two
        }
        guard "=<>().,".contains(first) else {
            throw SearchError(offset: position, message: "'\(first)' means nothing here; text stands in quotes: 'text'")
        }
        position += 1
        return String(first)
    }

    private func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
    private func isSign(_ character: Character) -> Bool { character == "-" || character == "+" }
    private func isWord(_ character: Character) -> Bool {
        character == "_" || ("a"..."z").contains(character) || ("A"..."Z").contains(character)
    }
}
