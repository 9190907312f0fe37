public import Access
public import Contracts
import Postgres
import RPC

extension RegistryStore {
    /// Versions that meet a condition, a page at a time, without their files.
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
        if let few = try await few(query, besides: order.leadingMetric, compiler) {
            condition = "v.id = ANY(ARRAY(\(few))) AND \(condition)"
        }

        var response = Slipway.Models.V1.SearchResponse()
        var last: (part: SearchOrder.Part, keys: [String])?
        for (index, part) in order.parts.enumerated().dropFirst(place?.part ?? 0) {
            var here: PostgresQuery = "\(condition) AND \(part.condition)"
            if let place, place.part == index { here = "\(here) AND \(part.condition(after: place.values))" }
            let rows = try await pool.read(
                """
                SELECT \(VersionRecord.columns), \(part.values) FROM \(VersionRecord.tables) \(part.tables)
                WHERE \(here) ORDER BY \(part.clause) LIMIT \(size + 1 - response.versions.count)
                """)
            for row in rows {
                if response.versions.count == size, let last {
                    response.nextPageToken = PageToken(values: [last.part.name] + last.keys).text(for: scope)
                    break
                }
                let (record, keys) = try VersionRecord.found(row)
                response.versions.append(record.message)
                last = (part, keys)
            }
            if !response.nextPageToken.isEmpty { break }
        }
        if request.count {
            response.total = try await pool.read("SELECT count(*) FROM registry.versions AS v WHERE \(condition)")
                .all(Int64.self).first
        }
        return response
    }
}
