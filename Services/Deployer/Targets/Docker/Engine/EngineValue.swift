internal import Protobuf

/// JSON as engines speak it, read and written. What is not there, or is something else than was expected, is nil or empty:
/// engines differ in what they leave out, and none of them is believed.
enum EngineValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case list([EngineValue])
    case object([String: EngineValue])

    /// - Parameter keys: of the outermost objects, what to keep; everything where nil. What is passed over costs little.
    /// - Throws: `EngineError` `.garbled`.
    init(json: ArraySlice<UInt8>, keeping keys: Set<String>? = nil) throws(EngineError) {
        do {
            self = try JSONReader.read(json) { reader in
                guard let keys, try reader.peek() == UInt8(ascii: "[") else { return try Self.read(&reader, keys) }
                var items: [EngineValue] = []
                try reader.elements { reader in items.append(try Self.read(&reader, keys)) }
                return .list(items)
            }
        } catch {
            throw EngineError(.garbled, "what came is not the JSON of an engine: \(error)")
        }
    }

    private static func read(_ reader: inout JSONReader, _ keys: Set<String>? = nil) throws -> EngineValue {
        switch try reader.peek() {
        case UInt8(ascii: "{"):
            var members: [String: EngineValue] = [:]
            try reader.members { key, reader in
                if let keys, !keys.contains(key) { return try reader.skipValue() }
                members[key] = try read(&reader)
            }
            return .object(members)
        case UInt8(ascii: "["):
            var items: [EngineValue] = []
            try reader.elements { reader in items.append(try read(&reader)) }
            return .list(items)
        case UInt8(ascii: "\""): return .text(try reader.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean(try reader.boolean())
        case UInt8(ascii: "n"):
            try reader.null()
            return .null
        default: return .number(try reader.double())
        }
    }

    subscript(key: String) -> EngineValue {
        get { if case .object(let members) = self { members[key] ?? .null } else { .null } }
        set {
            var members = members
            members[key] = newValue
            self = .object(members)
        }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var integer: Int64? { if case .number(let number) = self { Int64(exactly: number) } else { nil } }
    var isTrue: Bool { self == .boolean(true) }
    var items: [EngineValue] { if case .list(let items) = self { items } else { [] } }
    var members: [String: EngineValue] { if case .object(let members) = self { members } else { [:] } }

    /// As JSON, with sorted keys.
    var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    private func write(to json: inout JSONWriter) {
        switch self {
        case .null: json.null()
        case .boolean(let value): json.boolean(value)
        case .number(let number):
            if let integer = Int64(exactly: number) { json.integer(integer) } else { json.double(number) }
        case .text(let text): json.string(text)
        case .list(let items):
            json.beginArray()
            for item in items {
                json.element()
                item.write(to: &json)
            }
            json.endArray()
        case .object(let members):
            json.beginObject()
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                json.key(key)
                value.write(to: &json)
            }
            json.endObject()
        }
    }
}

extension EngineValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(integerLiteral value: Int64) { self = .number(Double(value)) }
    init(arrayLiteral elements: EngineValue...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, EngineValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
    init(texts: some Sequence<String>) { self = .list(texts.map { .text($0) }) }
    init(texts: [String: String]) { self = .object(texts.mapValues { .text($0) }) }
}
