import Postgres

/// From how many on versions are looked through, rather than fetched.
struct SearchLimits: Sendable {
    /// Up to so many rows are fetched by their numbers in less time than the newest are looked through.
    var few = 2000
    /// Up to so many numbers are read from an index, to see which of them meet two conditions, or which come first.
    var some = 20_000
    /// Counting ends here.
    var count: Int64 = 10_000
}

extension RegistryStore {
    /// The numbers of the versions that meet what tables beside that of the versions tell of, where they are few; nil where
    /// they are many, or nothing of the kind is asked.
    ///
    /// The database can't know by itself: it keeps no account of which values go with which metric. So it is asked for a
    /// bounded count first, which the index answers in a moment. The sets stay bounded then: the planner takes the bound
    /// for their size.
    /// - Parameter anySize: whether some are welcome where they are not few, because only the first of them are fetched.
    func few(
        _ query: SearchQuery, besides leading: String?, anySize: Bool, _ compiler: SearchCompiler
    ) async throws -> PostgresQuery? {
        let conjuncts = SearchQuery.conjuncts(query.condition)
        let sets = conjuncts.compactMap { SearchSet($0, besides: leading, compiler) }
        guard !sets.isEmpty else { return nil }
        let most = searchLimits.some
        let probes = sets.map { set -> PostgresQuery in
            "(SELECT count(*) FROM \(set.first(most + 1)) AS found)"
        }
        let list = probes.dropFirst().reduce(probes[0]) { "\($0), \($1)" as PostgresQuery }
        let counts = try await rows("SELECT ARRAY[\(list)]").all([Int].self).first ?? []
        let found = zip(sets, counts).filter { $0.1 <= most }.sorted { $0.1 < $1.1 }
        guard let (smallest, count) = found.first else { return nil }
        if count > searchLimits.few, found.count < 2, !anySize || conjuncts.contains(where: SearchSet.isNarrow) {
            return nil
        }
        let first: PostgresQuery = "\(smallest.bounded(most)) AS k"
        let joined = found.dropFirst().enumerated().reduce(first) { joined, next in
            "\(joined) JOIN \(next.element.0.bounded(most)) AS \(unsafe: "k\(next.offset)") USING (version)"
        }
        return "SELECT version FROM \(joined)"
    }
}

/// The numbers of the versions that meet one comparison, as an index lists them.
struct SearchSet {
    let query: PostgresQuery
    /// What the index is ordered by: without it the planner, which thinks of every metric as common, reads whole tables.
    private let order: PostgresQuery
    /// Whether a number may come more than once.
    private let isRepeating: Bool

    /// - Returns: nil for what no other table than that of the versions tells.
    init?(_ condition: SearchQuery.Condition, besides leading: String?, _ compiler: SearchCompiler) {
        switch condition {
        case .not(.comparison(.metric(let key), .isNull)) where key != leading:
            query = SearchSet.metric(key, compiler)
            order = "k.value"
            isRepeating = false
        case .comparison(.metric(let key), let comparison) where key != leading && comparison != .isNull:
            query = "\(SearchSet.metric(key, compiler)) AND \(compiler.test("k.value", comparison))"
            order = "k.value"
            isRepeating = false
        case .comparison(.alias, let comparison) where comparison != .isNull:
            query = """
                SELECT k.target AS version FROM registry.aliases AS k
                WHERE k.workspace = \(compiler.workspace) AND \(compiler.test("k.alias", comparison))
                """
            order = "k.alias, k.target"
            isRepeating = true
        case .comparison(.dataset, let comparison) where comparison != .isNull:
            query = SearchSet.origin("dataset", comparison, compiler)
            order = "k.origin"
            isRepeating = true
        case .comparison(.parent, let comparison) where comparison != .isNull:
            query = SearchSet.origin("parent", SearchCompiler.parents(comparison), compiler)
            order = "k.origin"
            isRepeating = true
        default: return nil
        }
    }

    /// Whether few versions can meet the comparison, which the database itself knows then.
    static func isNarrow(_ condition: SearchQuery.Condition) -> Bool {
        guard case .comparison(.column(let column), .relation(.equal, _)) = condition else { return false }
        return column == .name || column == .run || column == .gitCommit
    }

    private static func metric(_ key: String, _ compiler: SearchCompiler) -> PostgresQuery {
        "SELECT k.version FROM registry.metrics AS k WHERE k.workspace = \(compiler.workspace) AND k.key = \(key)"
    }

    private static func origin(
        _ relation: String, _ comparison: SearchQuery.Comparison, _ compiler: SearchCompiler
    ) -> PostgresQuery {
        """
        SELECT k.version FROM registry.origins AS k
        WHERE k.workspace = \(compiler.workspace) AND k.relation = \(relation)
            AND \(compiler.test("k.origin", comparison))
        """
    }

    /// Each number once, of a set that was counted before and had `most` at most. Twice as many are let through, so that
    /// none is lost that came meanwhile.
    func bounded(_ most: Int) -> PostgresQuery {
        isRepeating ? "(SELECT DISTINCT version FROM \(first(most * 2)) AS given)" : first(most * 2)
    }

    func first(_ count: Int) -> PostgresQuery { "(\(query) ORDER BY \(order) LIMIT \(count))" }
}
