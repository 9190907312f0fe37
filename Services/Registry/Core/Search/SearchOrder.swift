import Postgres

/// The order of a search as SQL, and where a page of it begins. It always ends in the row's own number, so that no two rows
/// are at the same place.
struct SearchOrder {
    /// One thing to order by; never null.
    private struct Key {
        var expression: PostgresQuery
        /// How a value of it, written as text, becomes one again.
        var type: String
        var isDescending: Bool
    }
    private var keys: [Key] = []

    init(_ order: [SearchQuery.Order]) {
        var seen: Set<SearchField> = []
        var isUnique = false
        for part in order where !isUnique && seen.insert(part.field).inserted {
            switch part.field {
            case .column(.created):
                // Numbers are given out as versions are registered: what comes behind can't make a difference.
                keys.append(Key(expression: "v.id", type: "bigint", isDescending: part.isDescending))
                isUnique = true
            case .column(let column):
                keys.append(
                    Key(
                        expression: SearchCompiler.column(column), type: SearchOrder.type(column),
                        isDescending: part.isDescending))
            case .tag(let key): append("(v.tags ->> \(key)) COLLATE \"C\"", "''", "text", part.isDescending)
            case .property(let key): append("(v.properties ->> \(key)) COLLATE \"C\"", "''", "text", part.isDescending)
            case .metric(let key): append("(v.metrics ->> \(key))::float8", "0", "float8", part.isDescending)
            case .alias, .dataset, .parent: continue
            }
        }
        if !isUnique { keys.append(Key(expression: "v.id", type: "bigint", isDescending: true)) }
    }

    /// What some versions don't have: those come last, whichever way the order goes.
    private mutating func append(_ expression: PostgresQuery, _ none: String, _ type: String, _ isDescending: Bool) {
        keys.append(Key(expression: "(\(expression) IS NULL)", type: "boolean", isDescending: false))
        keys.append(
            Key(expression: "coalesce(\(expression), \(unsafe: none))", type: type, isDescending: isDescending))
    }

    private static func type(_ column: SearchField.Column) -> String {
        switch column {
        case .version: "integer"
        case .size: "bigint"
        case .created, .updated: "timestamptz"
        default: "text"
        }
    }

    var keyCount: Int { keys.count }

    var clause: PostgresQuery { list(keys.map { "\($0.expression) \(unsafe: $0.isDescending ? "DESC" : "ASC")" }) }

    /// The values of the keys as an array of text.
    var values: PostgresQuery { "ARRAY[\(list(keys.map { "(\($0.expression))::text" }))]" }

    /// What comes behind the values of a row: greater in the first key, or the same in it and greater in the next, …
    func condition(after values: [String]) -> PostgresQuery {
        var condition: PostgresQuery = "false"
        for (key, value) in zip(keys, values).reversed() {
            let bound: PostgresQuery = "\(value)::text::\(unsafe: key.type)"
            let sign = key.isDescending ? "<" : ">"
            // The first part is what an index understands as the beginning of a range.
            condition =
                """
                (\(key.expression) \(unsafe: sign)= \(bound)
                    AND (\(key.expression) \(unsafe: sign) \(bound) OR \(condition)))
                """
        }
        return condition
    }

    private func list(_ parts: [PostgresQuery]) -> PostgresQuery {
        guard let first = parts.first else { return "" }
        return parts.dropFirst().reduce(first) { "\($0), \($1)" }
    }
}
