/// Cuts an expression into words.
package struct ExpressionTokenizer {
    package static let charactersMax = 8192

    private let characters: [Character]
    private var position = 0

    private init(_ query: String) { characters = Array(query) }

    /// The words, with one for the end.
    package static func tokens(_ query: String) throws(ExpressionError) -> [ExpressionToken] {
        var tokenizer = ExpressionTokenizer(query)
        guard tokenizer.characters.count <= charactersMax else {
            throw ExpressionError(
                offset: charactersMax,
                message: "there are \(tokenizer.characters.count) characters; \(charactersMax) at most")
        }
        var tokens: [ExpressionToken] = []
        while let token = try tokenizer.next() { tokens.append(token) }
        tokens.append(ExpressionToken(content: .end, offset: tokenizer.characters.count))
        return tokens
    }

    private var current: Character? { position < characters.count ? characters[position] : nil }

    private mutating func next() throws(ExpressionError) -> ExpressionToken? {
        while let space = current, space.isWhitespace { position += 1 }
        guard let first = current else { return nil }
        let start = position
        switch first {
        case "'": return ExpressionToken(content: .text(try quoted("'")), offset: start)
        case "\"", "`": return ExpressionToken(content: .quoted(try quoted(first)), offset: start)
        case _
        where isDigit(first) || (isSign(first) && position + 1 < characters.count && isDigit(characters[position + 1])):
            return ExpressionToken(content: .number(try number()), offset: start)
        case _ where isWord(first): return ExpressionToken(content: .word(word()), offset: start)
        default: return ExpressionToken(content: .symbol(try symbol(first)), offset: start)
        }
    }

    /// Text to its closing quote; the quote itself stands in it twice.
    private mutating func quoted(_ quote: Character) throws(ExpressionError) -> String {
        let start = position
        position += 1
        var text = ""
        while let character = current {
            position += 1
            if character == "\0" { throw ExpressionError(offset: position - 1, message: "a zero character is no text") }
            guard character == quote else {
                text.append(character)
                continue
            }
            guard current == quote else { return text }
            text.append(quote)
            position += 1
        }
        throw ExpressionError(offset: start, message: "the text that begins here has no closing \(quote)")
    }

    private mutating func number() throws(ExpressionError) -> String {
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
            throw ExpressionError(offset: start, message: "a number ends in '\(behind)'; text stands in quotes: 'text'")
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

    private mutating func symbol(_ first: Character) throws(ExpressionError) -> String {
        let two = position + 1 < characters.count ? String([first, characters[position + 1]]) : ""
        if ["!=", "<>", "<=", ">=", "=="].contains(two) {
            position += 2
            return two
        }
        guard "=<>().,".contains(first) else {
            throw ExpressionError(
                offset: position, message: "'\(first)' means nothing here; text stands in quotes: 'text'")
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
