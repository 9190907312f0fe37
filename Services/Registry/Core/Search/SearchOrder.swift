import ResourceKit
import Postgres

/// The order of a search as SQL, and where a page of it begins. It always ends in the row's own number, so that no two rows
/// are at the same place.
///
/// Parts follow one another: where the order begins with a metric, those that have it, read from its index, and then those
/// that have not.
struct SearchOrder {
    struct Part {
        /// Tells the parts apart in a token.
        let name: String
        /// Tables beside that of the versions.
        var tables: PostgresQuery = ""
        var condition: PostgresQuery = "true"
        var keys: [Key] = []
    }

    /// One thing to order by; never null.
    struct Key {
        var expression: PostgresQuery
        /// How a value of it, written as text, becomes one again.
        var type: String
        var isDescending: Bool
    }

    let parts: [Part]
    /// The metric that the order begins with.
    let leadingMetric: String?
    /// Whether it is that of the versions' own numbers, either way.
    var isByNumber: Bool { parts.count == 1 && parts[0].keys.count == 1 }

    init(_ order: [SearchQuery.Order], _ compiler: SearchCompiler, condition: SearchQuery.Condition?) {
        guard let first = order.first, case .metric(let key) = first.field else {
            parts = [SearchOrder.part("all", order)]
            leadingMetric = nil
            return
        }
        leadingMetric = key
        var having = SearchOrder.part("having", Array(order.dropFirst()))
        having.keys.insert(Key(expression: "o.value", type: "float8", isDescending: first.isDescending), at: 0)
        having.tables = "JOIN registry.metrics AS o ON o.version = v.id"
        having.condition = "o.workspace = \(compiler.workspace) AND o.key = \(key)"
        // What is asked of the metric itself is a range of the index that gives the order.
        let bounds = SearchQuery.conjuncts(condition).compactMap { part in
            if case .comparison(.metric(key), let comparison) = part, comparison != .isNull { comparison } else { nil }
        }
        for bound in bounds { having.condition = "\(having.condition) AND \(compiler.test("o.value", bound))" }
        guard bounds.isEmpty else {
            parts = [having]
            return
        }
        var lacking = SearchOrder.part("lacking", Array(order.dropFirst()))
        lacking.condition = "NOT v.metrics ? \(key)"
        parts = [having, lacking]
    }

    private static func part(_ name: String, _ order: [SearchQuery.Order]) -> Part {
        var part = Part(name: name)
        var seen: Set<SearchField> = []
        for wanted in order where seen.insert(wanted.field).inserted {
            switch wanted.field {
            case .column(.created):
                // Numbers are given out as versions are registered: what comes behind can't make a difference.
                part.keys.append(Key(expression: "v.id", type: "bigint", isDescending: wanted.isDescending))
                return part
            case .column(let column):
                part.keys.append(
                    Key(
                        expression: SearchCompiler.column(column), type: type(column), isDescending: wanted.isDescending
                    ))
            case .tag(let key): part.append("(v.tags ->> \(key)) COLLATE \"C\"", "''", "text", wanted)
            case .property(let key): part.append("(v.properties ->> \(key)) COLLATE \"C\"", "''", "text", wanted)
            case .metric(let key): part.append("(v.metrics ->> \(key))::float8", "0", "float8", wanted)
            case .alias, .dataset, .parent: continue
            }
        }
        part.keys.append(Key(expression: "v.id", type: "bigint", isDescending: true))
        return part
    }

    private static func type(_ column: SearchField.Column) -> String {
        switch column {
        case .version: "integer"
        case .size: "bigint"
        case .created, .updated: "timestamptz"
        default: "text"
        }
    }

    /// Where the token stands: the part, and the values of its keys.
    /// - Returns: nil for a token that no search of this order gave.
    func place(_ token: PageToken) -> (part: Int, values: [String])? {
        guard let index = parts.firstIndex(where: { $0.name == token.values.first }),
            token.values.count == parts[index].keys.count + 1
        else { return nil }
        return (index, Array(token.values.dropFirst()))
    }
}

extension SearchOrder.Part {
    /// What some versions don't have: those come last, whichever way the order goes.
    mutating func append(
        _ expression: PostgresQuery, _ none: String, _ type: String, _ order: SearchQuery.Order
    ) {
        keys.append(SearchOrder.Key(expression: "(\(expression) IS NULL)", type: "boolean", isDescending: false))
        keys.append(
            SearchOrder.Key(
                expression: "coalesce(\(expression), \(unsafe: none))", type: type, isDescending: order.isDescending))
    }

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

extension SearchQuery {
    /// What must all be met.
    static func conjuncts(_ condition: Condition?) -> [Condition] {
        switch condition {
        case .and(let parts): parts.flatMap { conjuncts($0) }
        case let condition?: [condition]
        case nil: []
        }
    }
}
