/// The file format: the part of TOML that settings need. Sections (`[database]`, `[database.pool]`), `key = value`, dotted
/// keys, comments, strings in double quotes with escapes or in single quotes without, numbers, `true` and `false`, and lists
/// of these over any number of lines.
///
/// TOML rather than JSON, because settings want comments and no closing braces; rather than YAML, because `no` is not false
/// there, `1.10` not a number, and indentation carries no meaning. Dates, inline tables and arrays of tables are left out:
/// no setting has such a shape. Everything accepted here means the same to every TOML reader.
package struct ConfigurationFile {
    package struct Entry: Equatable {
        package let path: String
        package let value: ConfigurationText
        package let line: Int
        package let column: Int
    }

    /// What is wrong with a file and where; lines and columns count from one, columns in characters.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let line: Int
        package let column: Int
        package let reason: String
        package var description: String { "\(line):\(column): \(reason)" }
    }

    /// - Parameter keepsDashes: false takes `-` in names for `_`, as settings want it.
    package static func parse(_ text: String, keepsDashes: Bool = false) throws(Fault) -> [Entry] {
        var parser = ConfigurationFile(text, keepsDashes: keepsDashes)
        return try parser.parse()
    }

    private let characters: [Character]
    private let keepsDashes: Bool
    private var index = 0
    private var line = 1
    private var column = 1
    private var section: [String] = []
    private var entries: [Entry] = []
    private var seen: Set<String> = []

    private init(_ text: String, keepsDashes: Bool) {
        characters = Array(text)
        self.keepsDashes = keepsDashes
    }

    private var current: Character? { index < characters.count ? characters[index] : nil }

    private mutating func advance() {
        guard let character = current else { return }
        index += 1
        if character.isNewline {
            line += 1
            column = 1
        } else {
            column += 1
        }
    }

    private func fault(_ reason: String) -> Fault { Fault(line: line, column: column, reason: reason) }

    private mutating func parse() throws(Fault) -> [Entry] {
        while true {
            skipSpace(newlines: true)
            guard let character = current else { return entries }
            if character == "[" { try parseSection() } else { try parseEntry() }
            skipSpace(newlines: false)
            if let rest = current, !rest.isNewline { throw fault("\"\(rest)\" follows; one entry stands on a line") }
        }
    }

    /// Skips blanks and comments.
    private mutating func skipSpace(newlines: Bool) {
        while let character = current {
            if character == "#" {
                while let inside = current, !inside.isNewline { advance() }
            } else if character == " " || character == "\t" || (newlines && character.isNewline) {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func parseSection() throws(Fault) {
        advance()
        guard current != "[" else { throw fault("lists of sections are not possible") }
        section = try parseKey()
        guard current == "]" else { throw fault("] must end the section's name") }
        advance()
    }

    private mutating func parseKey() throws(Fault) -> [String] {
        var parts: [String] = []
        while true {
            skipSpace(newlines: false)
            var part = ""
            while let character = current, character.isASCII,
                character.isLetter || character.isNumber || character == "_" || character == "-"
            {
                part.append(character == "-" && !keepsDashes ? "_" : character)
                advance()
            }
            guard !part.isEmpty else { throw fault("a name of letters, digits and _ is missing") }
            parts.append(part)
            skipSpace(newlines: false)
            guard current == "." else { return parts }
            advance()
        }
    }

    private mutating func parseEntry() throws(Fault) {
        let start = (line, column)
        let path = (section + (try parseKey())).joined(separator: ".")
        guard current == "=" else { throw fault("= is missing after \(path)") }
        advance()
        skipSpace(newlines: false)
        let value = current == "[" ? try parseList() : .scalar(try parseScalar())
        guard seen.insert(path).inserted else {
            throw Fault(line: start.0, column: start.1, reason: "\(path) is there twice")
        }
        entries.append(Entry(path: path, value: value, line: start.0, column: start.1))
    }

    private mutating func parseList() throws(Fault) -> ConfigurationText {
        let start = fault("the list has no end")
        advance()
        var list: [String] = []
        while true {
            skipSpace(newlines: true)
            guard let character = current else { throw start }
            if character == "]" {
                advance()
                return .list(list)
            }
            list.append(try parseScalar())
            skipSpace(newlines: true)
            if current == nil { throw start }
            if current == "," { advance() } else if current != "]" { throw fault(", or ] is missing in the list") }
        }
    }

    private mutating func parseScalar() throws(Fault) -> String {
        switch current {
        case "\"": return try parseString()
        case "'": return try parseLiteral()
        case "{": throw fault("inline tables are not possible; use a section")
        case nil: throw fault("a value is missing")
        case let character? where character.isNewline: throw fault("a value is missing")
        default: return try parseBare()
        }
    }

    private mutating func parseBare() throws(Fault) -> String {
        let start = fault("")
        var text = ""
        while let character = current, !character.isNewline, character != " ", character != "\t", character != ",",
            character != "]", character != "#"
        {
            text.append(character)
            advance()
        }
        let isNumber =
            Double(text.filter { $0 != "_" }) != nil && text.first.map { $0.isNumber || "+-".contains($0) } == true
        guard text == "true" || text == "false" || isNumber else {
            throw Fault(line: start.line, column: start.column, reason: "a text stands in quotes: \"\(text)\"")
        }
        return text
    }

    private mutating func parseLiteral() throws(Fault) -> String {
        let start = fault("the text has no closing '")
        advance()
        var text = ""
        while let character = current, character != "'" {
            if character.isNewline { throw start }
            text.append(character)
            advance()
        }
        guard current == "'" else { throw start }
        advance()
        return text
    }

    private mutating func parseString() throws(Fault) -> String {
        let start = fault("the text has no closing \"")
        advance()
        var text = ""
        while let character = current, character != "\"" {
            if character.isNewline { throw start }
            if character == "\\" {
                text.append(try parseEscape())
            } else {
                text.append(character)
                advance()
            }
        }
        guard current == "\"" else { throw start }
        advance()
        return text
    }

    private mutating func parseEscape() throws(Fault) -> Character {
        advance()
        let wrong = fault("the escapes are \\n \\t \\r \\\" \\\\ \\uXXXX")
        guard let character = current else { throw wrong }
        advance()
        switch character {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "\"", "\\": return character
        case "u":
            var digits = ""
            while digits.count < 4, let digit = current, digit.isHexDigit {
                digits.append(digit)
                advance()
            }
            guard digits.count == 4, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
                throw wrong
            }
            return Character(scalar)
        default: throw wrong
        }
    }
}
