/// The values of a query, encoded one after the other.
public struct PostgresBinds: Sendable {
    struct Bind: Sendable {
        var type: PostgresType
        var start: Int
        /// -1 for null.
        var length: Int
    }
    private(set) var entries: [Bind] = []
    private(set) var bytes: [UInt8] = []

    public init() {}

    public var count: Int { entries.count }

    public mutating func append<Value: PostgresEncodable>(_ value: Value) {
        let start = bytes.count
        let isNull = value.isNull
        if !isNull { value.encode(into: &bytes) }
        entries.append(Bind(type: Value.postgresType, start: start, length: isNull ? -1 : bytes.count - start))
    }

    /// The types alone.
    var withoutValues: PostgresBinds {
        var copy = PostgresBinds()
        copy.entries = entries.map { Bind(type: $0.type, start: 0, length: -1) }
        return copy
    }

    mutating func append(_ other: PostgresBinds, _ index: Int) {
        var entry = other.entries[index]
        if entry.length > 0 { bytes.append(contentsOf: other.bytes[entry.start..<entry.start + entry.length]) }
        entry.start = bytes.count - max(entry.length, 0)
        entries.append(entry)
    }
}

extension PostgresBinds: CustomStringConvertible, CustomReflectable {
    public var description: String {
        "[" + entries.map { "****::\($0.type)" }.joined(separator: ", ") + "]"
    }
    public var customMirror: Mirror { Mirror(reflecting: description) }
}
