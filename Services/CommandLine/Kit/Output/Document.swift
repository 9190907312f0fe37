public import Protobuf

/// A value as JSON has it, in the order in which it was written.
public enum Document: Sendable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case list([Document])
    case object([(key: String, value: Document)])

    public static func == (left: Document, right: Document) -> Bool { left.json == right.json }

    /// A message in protobuf's JSON mapping.
    /// - Throws: `ProtobufError` for values that JSON can't carry.
    public init(_ message: some Message) throws {
        self = try JSONReader.read(
            try message.jsonBytes(options: JSONEncodingOptions(sortsKeys: true))[...], options: JSONDecodingOptions()
        ) { json in
            try Document(&json)
        }
    }

    /// A JSON document.
    /// - Throws: `ProtobufError` with the offset of what is wrong.
    public init(parsing text: String) throws {
        self = try JSONReader.read(Array(text.utf8)[...], options: JSONDecodingOptions()) { json in
            try Document(&json)
        }
    }

    /// The member of an object; nil where this is none, or has none such.
    public subscript(key: String) -> Document? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text, where it is one.
    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The answer, where it is yes or no.
    public var isTrue: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    private init(_ json: inout JSONReader) throws {
        switch try json.peek() {
        case UInt8(ascii: "{"):
            var members: [(key: String, value: Document)] = []
            try json.members { key, json in members.append((key, try Document(&json))) }
            self = .object(members)
        case UInt8(ascii: "["):
            var elements: [Document] = []
            try json.elements { json in elements.append(try Document(&json)) }
            self = .list(elements)
        case UInt8(ascii: "\""): self = .string(try json.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .boolean(try json.boolean())
        case UInt8(ascii: "n"):
            try json.null()
            self = .null
        default: self = .number(try json.double())
        }
    }
}

extension Document {
    /// JSON, two spaces to the level.
    public var json: String {
        var text = ""
        writeJSON(into: &text, indent: "")
        return text + "\n"
    }

    private func writeJSON(into text: inout String, indent: String) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += "\(value)"
        case .number(let value): text += Amounts.decimal(value)
        case .string(let value): text += Document.quoted(value)
        case .list(let elements):
            Document.write(elements, "[", "]", into: &text, indent) { element, text, indent in
                element.writeJSON(into: &text, indent: indent)
            }
        case .object(let members):
            Document.write(members, "{", "}", into: &text, indent) { member, text, indent in
                text += Document.quoted(member.key) + ": "
                member.value.writeJSON(into: &text, indent: indent)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], _ open: String, _ close: String, into text: inout String, _ indent: String,
        _ body: (Element, inout String, String) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            text += "\(index == 0 ? "" : ",")\n\(indent)  "
            body(element, &text, indent + "  ")
        }
        text += elements.isEmpty ? close : "\n\(indent)\(close)"
    }

    /// A text as JSON writes it; YAML reads it too.
    static func quoted(_ text: String) -> String {
        var json = JSONWriter()
        json.string(text)
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
