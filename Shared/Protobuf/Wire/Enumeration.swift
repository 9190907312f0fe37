/// A protobuf enum: an open set of numbers, some of which have names. Numbers that this program does not know are kept.
public protocol Enumeration: RawRepresentable, Hashable, Sendable, CustomStringConvertible where RawValue == Int32 {
    /// The full name in the proto file, as `slipway.models.v1.Stage`.
    static var enumName: String { get }
    static var valueNames: EnumerationNames { get }
    init(rawValue: Int32)
}

extension Enumeration {
    /// The name in the proto file, or the number.
    public var description: String { Self.valueNames.name(rawValue) ?? String(rawValue) }

    /// True when the proto file that this program was built with names the number.
    public var isKnown: Bool { Self.valueNames.name(rawValue) != nil }

    /// The value of that name in the proto file, or nil.
    public init?(name: String) {
        guard let number = Self.valueNames.number(name) else { return nil }
        self.init(rawValue: number)
    }

    func writeJSON(to json: inout JSONWriter) {
        // A number that is not NULL_VALUE stays a number, or it would come back as nothing.
        if Self.self == Google.Protobuf.NullValue.self, rawValue == 0 {
            json.null()
        } else if !json.options.enumsAsNumbers, let name = Self.valueNames.name(rawValue) {
            json.string(name)
        } else {
            json.integer(rawValue)
        }
    }

    static func readJSON(from json: inout JSONReader) throws -> Self? {
        switch try json.peek() {
        case UInt8(ascii: "\""):
            let name = try json.string()
            if let value = Self(name: name) { return value }
            if json.options.ignoresUnknownFields { return nil }
            throw json.failure(.invalidValue, "\(enumName) has no value \"\(name)\"")
        case UInt8(ascii: "n") where Self.self == Google.Protobuf.NullValue.self:
            try json.null()
            return Self(rawValue: 0)
        default:
            return Self(rawValue: try json.integer(Int32.self))
        }
    }
}

/// The names of an enum's numbers; of several names for one number the first is the one that is written.
public struct EnumerationNames: Sendable {
    private let numbers: [String: Int32]
    private let names: [Int32: String]

    public init(_ pairs: [(Int32, String)]) {
        numbers = Dictionary(pairs.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        names = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    public func name(_ number: Int32) -> String? { names[number] }
    public func number(_ name: String) -> Int32? { numbers[name] }
    /// Every named number, ascending.
    public var all: [Int32] { names.keys.sorted() }
}
