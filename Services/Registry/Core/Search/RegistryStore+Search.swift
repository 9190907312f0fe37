import ResourceKit
public import Access
public import Contracts
import Postgres
import RPC

extension RegistryStore {
    /// Bytes of large facts that one page may have.
    private static let pageFactsBytesMax = 16 << 20

    /// Versions that meet a condition, a page at a time, without their files. A page ends early where what its versions say
    /// of themselves would be too much for one answer.
    /// - Throws: `RPCError` `invalidArgument` with the column of what is wrong in the query.
    public func search(
        _ request: Slipway.Models.V1.SearchRequest, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.SearchResponse {
        let size = try PageSize.check(request.pageSize)
        let query = try SearchParser.parse(request.query)
        let compiler = SearchCompiler(workspace: workspace.databaseID)
        let order = SearchOrder(query.order, compiler, condition: query.condition)
        let scope = "versions \(workspace.id) \(request.includeDeleted) \(request.query)"
        var place: (part: Int, values: [String])?
        if let token = try PageToken.read(request.pageToken, for: scope) {
            place = order.place(token)
            guard place != nil else { throw PageToken.refusal }
        }
        var condition: PostgresQuery = "v.workspace = \(workspace.databaseID)"
        if !request.includeDeleted { condition = "\(condition) AND v.deleted IS NULL" }
        if let asked = query.condition { condition = "\(condition) AND \(compiler.condition(asked))" }
        let few = try await few(query, besides: order.leadingMetric, anySize: order.isByNumber, compiler)

        var response = Slipway.Models.V1.SearchResponse()
        var room = RegistryStore.pageFactsBytesMax
        var last: (part: SearchOrder.Part, keys: [String])?
        for (index, part) in order.parts.enumerated().dropFirst(place?.part ?? 0) {
            var here: PostgresQuery = "\(condition) AND \(part.condition)"
            if let place, place.part == index { here = "\(here) AND \(part.condition(after: place.values))" }
            let most = size + 1 - response.versions.count
            if let few {
                here = order.isByNumber ? RegistryStore.first(most, of: few, here, part) : "\(among(few)) AND \(here)"
            }
            let rows = try await rows(
                """
                SELECT \(VersionRecord.columnsOfMany), \(part.values) FROM \(VersionRecord.tables) \(part.tables)
                WHERE \(here) ORDER BY \(part.clause) LIMIT \(most)
                """)
            for row in rows {
                if response.versions.count == size || room <= 0, let last {
                    response.nextPageToken = PageToken(values: [last.part.name] + last.keys).text(for: scope)
                    break
                }
                var (record, keys) = try VersionRecord.found(row)
                if !record.hasFacts {
                    let facts = try await pool.read(
                        "SELECT facts FROM registry.versions WHERE id = \(record.id)"
                    ).all([UInt8].self).first
                    try record.take(facts: facts ?? [])
                    room -= facts?.count ?? 0
                }
                response.versions.append(record.message)
                last = (part, keys)
            }
            if !response.nextPageToken.isEmpty { break }
        }
        if request.count {
            if let few { condition = "\(among(few)) AND \(condition)" }
            let total = try await rows(
                """
                SELECT count(*) FROM (
                    SELECT FROM registry.versions AS v WHERE \(condition) LIMIT \(searchLimits.count + 1)) AS found
                """
            ).all(Int64.self).first
            response.total = total.map { min($0, searchLimits.count) }
            response.moreThanTotal = (total ?? 0) > searchLimits.count
        }
        return response
    }

    /// On a connection of its own: what is quick does not wait behind it. Which index is best depends on the values: of a tag
    /// that few have and one that many have, the first is looked up and the second is met soon among the newest.
    func rows(_ query: PostgresQuery) async throws -> PostgresRows {
        guard let rows = try await pool.read([query.plannedForValues()]).first else {
            throw PostgresError(.usage, "a statement was sent, and nothing came back")
        }
        return rows
    }

    private func among(_ few: PostgresQuery) -> PostgresQuery { "v.id = ANY(ARRAY(\(few)))" }

    /// The first of some versions that meet a condition, in the order of their numbers. They are looked up one by one until
    /// there are enough: the rest is never fetched, and `OFFSET 0` keeps the planner from doing it otherwise.
    private static func first(
        _ most: Int, of few: PostgresQuery, _ condition: PostgresQuery, _ part: SearchOrder.Part
    ) -> PostgresQuery {
        let direction = part.keys.last?.isDescending ?? true ? "DESC" : "ASC"
        return """
            v.id = ANY(ARRAY(
                SELECT k.version FROM (\(few) ORDER BY version \(unsafe: direction)) AS k CROSS JOIN LATERAL (
                    SELECT FROM registry.versions AS v WHERE v.id = k.version AND \(condition) OFFSET 0) AS v
                ORDER BY k.version \(unsafe: direction) LIMIT \(most)))
            """
    }
}
