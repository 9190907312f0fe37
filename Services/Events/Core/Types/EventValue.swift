import Protobuf
import ServiceKit

/// A value of JSON, as events' data are looked into and made.
enum EventValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([EventValue])
    case object([Member])

    struct Member: Hashable, Sendable {
        var name: String
        var value: EventValue
    }

    /// Nil for what is no JSON, or nested deeper than anybody needs.
    init?(json: String) {
        let bytes = Array(json.utf8)
        do { self = try JSONReader.read(bytes[...], options: JSONDecodingOptions(depthMax: 64), EventValue.read) } catch
        {
            return nil
        }
    }

    private static func read(_ json: inout JSONReader) throws -> EventValue {
        switch try json.peek() {
        case UInt8(ascii: "{"):
            var members: [Member] = []
            try json.members { name, json in members.append(Member(name: name, value: try read(&json))) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [EventValue] = []
            try json.elements { json in elements.append(try read(&json)) }
            return .list(elements)
        case UInt8(ascii: "\""): return .text(try json.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean(try json.boolean())
        case UInt8(ascii: "n"):
            try json.null()
            return .null
        default:
            var whole = json
            if let integer = try? whole.integer(Int64.self) {
                json = whole
                return .integer(integer)
            }
            return .number(try json.double())
        }
    }

    /// The member of an object; nil where there is none, and for anything else.
    subscript(name: String) -> EventValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// As JSON without spaces, members in their order.
    var json: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): JSONText.quoted(value)
        case .list(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .object(let members): JSONText.object(members.map { ($0.name, $0.value.json) })
        }
    }
}

extension EventValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(arrayLiteral elements: EventValue...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, EventValue)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
}
