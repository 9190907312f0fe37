/// What is wrong with an expression, and where.
package struct ExpressionError: Error, Equatable {
    /// Characters before the place.
    package let offset: Int
    package let message: String
    /// The expression, for showing the place.
    package let query: String

    package init(offset: Int, message: String, query: String = "") {
        self.offset = offset
        self.message = message
        self.query = query
    }

    package var column: Int { offset + 1 }

    /// The message with the line and a caret under the place.
    package var text: String {
        // Whatever else moves the line on would move the caret away.
        let line = query.map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let start = max(0, min(offset, line.count) - 60)
        let end = min(line.count, start + 100)
        let lead = start > 0 ? "…" : ""
        let shown = lead + String(line[start..<end]) + (end < line.count ? "…" : "")
        let caret = String(repeating: " ", count: min(offset, line.count) - start + lead.count) + "^"
        return "column \(column): \(message)\n  \(shown)\n  \(caret)"
    }
}
