/// Collects lines of code at a depth of indentation.
struct CodeWriter {
    private(set) var text = ""
    private var depth = 0

    mutating func line(_ line: String = "") {
        if !line.isEmpty { text += String(repeating: "    ", count: depth) + line }
        text += "\n"
    }

    /// Writes `head {`, what `body` writes one step deeper, and `}`.
    mutating func block(_ head: String, closing: String = "}", _ body: (inout CodeWriter) throws -> Void) rethrows {
        line(head + " {")
        depth += 1
        try body(&self)
        depth -= 1
        line(closing)
    }

    mutating func indented(_ body: (inout CodeWriter) throws -> Void) rethrows {
        depth += 1
        try body(&self)
        depth -= 1
    }

    mutating func documentation(_ lines: [String]) {
        for text in lines { line(text.isEmpty ? "///" : "/// " + text) }
    }

    /// A Swift string literal.
    static func literal(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case " "..."~": result += String(scalar)
            default: result += scalar.value < 0x80 ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
            }
        }
        return result + "\""
    }

    /// A Swift string literal of what JSON writes between the quotes.
    static func jsonLiteral(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\" + String(scalar)
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: escaped += String(scalar)
            }
        }
        return literal(escaped)
    }
}
