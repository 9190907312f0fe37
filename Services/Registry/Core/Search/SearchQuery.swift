import Expressions

/// A search as it was written: a condition and an order. Pure: nothing here knows of a database.
struct SearchQuery: Equatable {
    /// Nil where every version is meant.
    var condition: Condition?
    /// The order asked for; newest first where empty.
    var order: [Order] = []

    indirect enum Condition: Equatable, ExpressionCondition {
        case and([Condition])
        case or([Condition])
        case not(Condition)
        case comparison(SearchField, Comparison)
    }

    enum Comparison: Equatable {
        case relation(Relation, Value)
        case like(pattern: String, ignoresCase: Bool)
        case oneOf([Value])
        case isNull
    }

    typealias Relation = ExpressionRelation

    /// A value as its field compares it.
    enum Value: Equatable {
        case text(String)
        case integer(Int64)
        case number(Double)
        /// Microseconds since 1970.
        case time(Int64)
    }

    struct Order: Equatable {
        var field: SearchField
        var isDescending: Bool
    }
}

/// What a search can ask about.
enum SearchField: Hashable {
    case column(Column)
    case tag(String)
    case property(String)
    case metric(String)
    /// One of the names that point to the version.
    case alias
    /// One of the things that it came from.
    case dataset
    case parent

    /// A field of the version itself, by its name in a query.
    enum Column: String, CaseIterable {
        case name, version, framework, format, run, experiment, license, created, updated, size, description
        case createdBy = "created_by"
        case gitCommit = "git.commit"
    }

    /// What its values are.
    enum Kind: String {
        case text = "text in quotes"
        case integer = "a whole number"
        case number = "a number"
        case time = "a time in quotes, such as '2026-01-31' or '2026-01-31T12:00:00Z'"
    }

    var kind: Kind {
        switch self {
        case .column(.version), .column(.size): .integer
        case .column(.created), .column(.updated): .time
        case .metric: .number
        default: .text
        }
    }

    /// Whether a version has any number of it: a condition is met where one of them meets it.
    var isMany: Bool { self == .alias || self == .dataset || self == .parent }

    /// The names that a query can begin a field with.
    static let names =
        Column.allCases.map(\.rawValue) + ["alias", "dataset", "parent", "tags", "properties", "metrics"]

    init?(name: String) {
        switch name.lowercased() {
        case "alias": self = .alias
        case "dataset": self = .dataset
        case "parent": self = .parent
        case let name:
            guard let column = Column(rawValue: name) else { return nil }
            self = .column(column)
        }
    }

    /// A field that is one of many by a key.
    init?(group: String, key: String) {
        switch group.lowercased() {
        case "tags", "tag": self = .tag(key)
        case "properties", "property": self = .property(key)
        case "metrics", "metric": self = .metric(key)
        case "git" where key.lowercased() == "commit": self = .column(.gitCommit)
        default: return nil
        }
    }

    var text: String {
        switch self {
        case .column(let column): column.rawValue
        case .tag(let key): "tags.\"\(key)\""
        case .property(let key): "properties.\"\(key)\""
        case .metric(let key): "metrics.\"\(key)\""
        case .alias: "alias"
        case .dataset: "dataset"
        case .parent: "parent"
        }
    }
}
