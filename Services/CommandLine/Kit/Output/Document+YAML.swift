extension Document {
    /// YAML that version 1.1 and 1.2 read alike: what could be taken for something else is in quotes.
    public var yaml: String {
        switch self {
        case .list(let elements) where !elements.isEmpty: Document.lines(elements, indent: "")
        case .object(let members) where !members.isEmpty: Document.lines(members, indent: "", first: "")
        default: scalar + "\n"
        }
    }

    private static func lines(_ members: [(key: String, value: Document)], indent: String, first: String) -> String {
        var text = ""
        for (index, member) in members.enumerated() {
            text += (index == 0 ? first : indent) + plain(member.key) + ":"
            switch member.value {
            case .list(let elements) where !elements.isEmpty: text += "\n" + lines(elements, indent: indent + "  ")
            case .object(let inner) where !inner.isEmpty:
                text += "\n" + lines(inner, indent: indent + "  ", first: indent + "  ")
            default: text += " " + member.value.scalar + "\n"
            }
        }
        return text
    }

    private static func lines(_ elements: [Document], indent: String) -> String {
        var text = ""
        for element in elements {
            switch element {
            case .object(let members) where !members.isEmpty:
                text += lines(members, indent: indent + "  ", first: indent + "- ")
            case .list(let inner) where !inner.isEmpty:
                text += indent + "-\n" + lines(inner, indent: indent + "  ")
            default: text += indent + "- " + element.scalar + "\n"
            }
        }
        return text
    }

    private var scalar: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .number(let value): Amounts.decimal(value)
        case .string(let value): Document.plain(value)
        case .list: "[]"
        case .object: "{}"
        }
    }

    /// A text without quotes where every reader sees a text in it.
    private static func plain(_ text: String) -> String {
        let isSafe = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: " "):
                true
            default: false
            }
        }
        let startsWithLetter = text.utf8.first.map {
            ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z")
        }
        let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        let isPlain = isSafe && startsWithLetter == true && text.last != " " && !words.contains(text.lowercased())
        return isPlain ? text : quoted(text)
    }
}
