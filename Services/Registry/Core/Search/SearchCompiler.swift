import ResourceKit
import Contracts
import Postgres

/// Turns a query into SQL over `v`, a row of `registry.versions`. Everything that the caller wrote becomes a bind.
///
/// Each comparison is true or false, never null: what a version does not have meets no comparison, and so its negation
/// does.
struct SearchCompiler {
    let workspace: PostgresUUID

    func condition(_ condition: SearchQuery.Condition) -> PostgresQuery {
        switch condition {
        case .and(let parts): joined(parts, " AND ")
        case .or(let parts): joined(parts, " OR ")
        case .not(let inner): "NOT \(self.condition(inner))"
        case .comparison(let field, let comparison): self.comparison(field, comparison)
        }
    }

    private func joined(_ parts: [SearchQuery.Condition], _ word: String) -> PostgresQuery {
        var text = PostgresQuery.StringInterpolation(literalCapacity: 256, interpolationCount: 8)
        text.appendLiteral("(")
        for (index, part) in parts.enumerated() {
            if index > 0 { text.appendLiteral(word) }
            text.appendInterpolation(condition(part))
        }
        text.appendLiteral(")")
        return PostgresQuery(stringInterpolation: text)
    }

    private func comparison(_ field: SearchField, _ comparison: SearchQuery.Comparison) -> PostgresQuery {
        switch field {
        case .column(let column): return self.column(column, comparison)
        case .tag(let key): return label("tags", key, comparison)
        case .property(let key): return label("properties", key, comparison)
        case .metric(let key):
            // In the row itself; where few versions meet it, the search begins at the table of metrics instead.
            if comparison == .isNull { return "NOT v.metrics ? \(key)" }
            return "coalesce(\(test("(v.metrics ->> \(key))::float8", comparison)), false)"
        case .alias:
            return many(comparison) {
                """
                EXISTS (SELECT FROM registry.aliases AS k
                    WHERE k.model = v.model AND k.version = v.version AND \($0("k.alias")))
                """
            }
        case .dataset: return origin("dataset", comparison)
        case .parent: return origin("parent", SearchCompiler.parents(comparison))
        }
    }

    /// Columns of text hold an empty one where nothing was said: that is null here.
    private func column(_ column: SearchField.Column, _ comparison: SearchQuery.Comparison) -> PostgresQuery {
        let name = SearchCompiler.column(column)
        guard SearchField.column(column).kind == .text else {
            return comparison == .isNull ? "false" : test(name, comparison)
        }
        if comparison == .isNull { return "\(name) = ''" }
        // What equals some text is not empty anyway; asked twice, the planner would think it rarer than it is.
        if case .relation(.equal, .text(let text)) = comparison, !text.isEmpty { return test(name, comparison) }
        return "(\(name) <> '' AND \(test(name, comparison)))"
    }

    private func label(_ column: String, _ key: String, _ comparison: SearchQuery.Comparison) -> PostgresQuery {
        switch comparison {
        case .isNull: return "NOT v.\(unsafe: column) ? \(key)"
        case .relation(.equal, .text(let value)):
            // In the form that the index of the labels answers.
            let label = PostgresJSON(RowJSON.object([key: value]))
            return "v.\(unsafe: column) @> \(label)"
        case .oneOf(let values):
            let labels = values.map { value in
                if case .text(let text) = value {
                    PostgresJSON(RowJSON.object([key: text]))
                } else {
                    PostgresJSON("{}")
                }
            }
            return "v.\(unsafe: column) @> ANY(\(labels))"
        default:
            let value: PostgresQuery = "(v.\(unsafe: column) ->> \(key)) COLLATE \"C\""
            return "coalesce(\(test(value, comparison)), false)"
        }
    }

    private func origin(_ relation: String, _ comparison: SearchQuery.Comparison) -> PostgresQuery {
        many(comparison) { test in
            """
            EXISTS (SELECT FROM registry.origins AS k WHERE k.version = v.id AND k.workspace = \(workspace)
                AND k.relation = \(relation) AND \(test("k.origin")))
            """
        }
    }

    /// A version that is named in whatever way, as the lineage names it.
    static func parents(_ comparison: SearchQuery.Comparison) -> SearchQuery.Comparison {
        func named(_ value: SearchQuery.Value) -> SearchQuery.Value {
            guard case .text(let text) = value, let reference = VersionReference(parsing: text) else { return value }
            return .text("models/\(reference.text)")
        }
        switch comparison {
        case .relation(let relation, let value): return .relation(relation, named(value))
        case .oneOf(let values): return .oneOf(values.map(named))
        default: return comparison
        }
    }

    /// Of several, one has to meet the comparison; it is not there where there is none at all.
    private func many(
        _ comparison: SearchQuery.Comparison, _ exists: ((PostgresQuery) -> PostgresQuery) -> PostgresQuery
    ) -> PostgresQuery {
        if comparison == .isNull { return "NOT \(exists { _ in "true" })" }
        return exists { test($0, comparison) }
    }

    func test(_ expression: PostgresQuery, _ comparison: SearchQuery.Comparison) -> PostgresQuery {
        switch comparison {
        case .relation(let relation, let value): "\(expression) \(unsafe: relation.rawValue) \(bind(value))"
        case .like(let pattern, false): "\(expression) LIKE \(pattern)"
        case .like(let pattern, true): "\(expression) ILIKE \(pattern)"
        case .oneOf(let values): "\(expression) = ANY(\(list(values)))"
        case .isNull: "false"
        }
    }

    private func bind(_ value: SearchQuery.Value) -> PostgresQuery {
        switch value {
        case .text(let text): "\(text)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .time(let microseconds): "\(PostgresTimestamp(microseconds: microseconds))"
        }
    }

    /// The values are all of the kind of their field.
    private func list(_ values: [SearchQuery.Value]) -> PostgresQuery {
        var texts: [String] = []
        var integers: [Int64] = []
        var numbers: [Double] = []
        var times: [PostgresTimestamp] = []
        for value in values {
            switch value {
            case .text(let text): texts.append(text)
            case .integer(let number): integers.append(number)
            case .number(let number): numbers.append(number)
            case .time(let microseconds): times.append(PostgresTimestamp(microseconds: microseconds))
            }
        }
        if !integers.isEmpty { return "\(integers)" }
        if !numbers.isEmpty { return "\(numbers)" }
        if !times.isEmpty { return "\(times)" }
        return "\(texts)"
    }

    static func column(_ column: SearchField.Column) -> PostgresQuery {
        switch column {
        case .name: "v.name"
        case .version: "v.version"
        case .framework: "v.framework"
        case .format: "v.format"
        case .run: "v.run"
        case .experiment: "v.experiment"
        case .license: "v.license"
        case .created: "v.created"
        case .updated: "v.updated"
        case .size: "v.size"
        case .description: "v.description"
        case .createdBy: "v.created_by"
        case .gitCommit: "v.git_commit"
        }
    }
}
