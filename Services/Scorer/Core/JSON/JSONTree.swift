import Protobuf

/// A JSON value as a whole, for what is small: metadata to be written, frames of mixed columns that were read.
indirect enum JSONTree: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As it is written, so that nothing of it is lost.
    case number(String)
    case string(String)
    case array([JSONTree])
    /// In the order of the text.
    case object([Member])
    /// JSON that was written elsewhere.
    case text(String)

    struct Member: Sendable, Equatable {
        var name: String
        var value: JSONTree
    }

    static func integer(_ value: some BinaryInteger) -> JSONTree { .number("\(value)") }
    static func strings(_ values: [String]) -> JSONTree { .array(values.map { .string($0) }) }

    /// An object's member; nil where there is none, or this is no object.
    subscript(name: String) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object, .text: "an object"
        }
    }

    var bytes: [UInt8] {
        var output = JSONOutput()
        output.tree(self)
        return output.bytes
    }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONTree...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONTree)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
}

extension JSONCursor {
    /// Reads one value of whatever kind.
    mutating func tree() throws(JSONProblem) -> JSONTree {
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [JSONTree.Member] = []
            try object { cursor, name throws(JSONProblem) in
                members.append(.init(name: name, value: try cursor.tree()))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONTree] = []
            try array { cursor, _ throws(JSONProblem) in elements.append(try cursor.tree()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try bool())
        case UInt8(ascii: "n"):
            guard takeWord("null") else { throw found("a value is expected here") }
            return .null
        default: return .number(String(decoding: try number().text, as: UTF8.self))
        }
    }
}
