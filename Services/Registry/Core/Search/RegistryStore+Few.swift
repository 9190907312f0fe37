import Postgres

/// From how many on versions are looked through, rather than fetched.
struct SearchLimits: Sendable {
    /// Up to so many rows are fetched by their numbers in less time than the newest are looked through.
    var few = 2000
    /// Up to so many numbers are read from the index to see which of them meet two conditions.
    var some = 20_000
}

extension RegistryStore {
    /// The numbers of the versions that meet what the query asks of metrics, where they are few; nil where they are many, or
    /// nothing is asked of metrics.
    ///
    /// The database can't know by itself: it keeps no account of which values go with which metric. So it is asked for a
    /// bounded count first, which the index answers in a moment.
    func few(
        _ query: SearchQuery, besides leading: String?, _ compiler: SearchCompiler
    ) async throws -> PostgresQuery? {
        var sets: [PostgresQuery] = []
        for case .comparison(.metric(let key), let comparison) in SearchQuery.conjuncts(query.condition)
        where key != leading && comparison != .isNull {
            sets.append(
                """
                SELECT k.version FROM registry.metrics AS k
                WHERE k.workspace = \(compiler.workspace) AND k.key = \(key) AND \(compiler.test("k.value", comparison))
                """)
        }
        guard !sets.isEmpty else { return nil }
        let probes = sets.map { set -> PostgresQuery in
            "(SELECT count(*) FROM (\(set) LIMIT \(searchLimits.some + 1)) AS found)"
        }
        let list = probes.dropFirst().reduce(probes[0]) { "\($0), \($1)" as PostgresQuery }
        let counts = try await pool.read("SELECT ARRAY[\(list)]").all([Int].self).first ?? []
        let found = zip(sets, counts).filter { $0.1 <= searchLimits.some }.sorted { $0.1 < $1.1 }
        guard let (smallest, count) = found.first else { return nil }
        if count > searchLimits.few, found.count < 2 { return nil }
        return found.dropFirst().reduce(smallest) { "\($0) INTERSECT \($1.0)" as PostgresQuery }
    }
}
