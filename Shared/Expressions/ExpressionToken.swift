/// A word of a query with its place.
package struct ExpressionToken: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
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
    package let content: Content
    /// Characters before it.
    package let offset: Int

    /// As an error names it.
    package var shown: String {
        switch content {
        case .word(let word): "'\(word)'"
        case .text(let text): "'\(text.prefix(40))'"
        case .quoted(let text): "\"\(text.prefix(40))\""
        case .number(let text): "'\(text)'"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end"
        }
    }

    package func isKeyword(_ keyword: String) -> Bool {
        if case .word(let word) = content { word.uppercased() == keyword } else { false }
    }

    package func isSymbol(_ symbol: String) -> Bool { content == .symbol(symbol) }

    /// The word itself; empty for anything else.
    package var bare: String { if case .word(let word) = content { word } else { "" } }
}
