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
        let order = SearchOrder(query.order)
        let scope = "versions \(workspace.id) \(request.includeDeleted) \(request.query)"
        let token = try PageToken.read(request.pageToken, for: scope, count: order.keyCount)
        let compiler = SearchCompiler(workspace: workspace.databaseID)
        var condition: PostgresQuery = "v.workspace = \(workspace.databaseID)"
        if !request.includeDeleted { condition = "\(condition) AND v.deleted IS NULL" }
        if let asked = query.condition { condition = "\(condition) AND \(compiler.condition(asked))" }
        let all = condition
        if let token { condition = "\(condition) AND \(order.condition(after: token.values))" }
        let rows = try await pool.read(
            """
            SELECT \(VersionRecord.columns), \(order.values) AS keys FROM \(VersionRecord.tables)
            WHERE \(condition) ORDER BY \(order.clause) LIMIT \(size + 1)
            """)
        var response = Slipway.Models.V1.SearchResponse()
        for row in rows.prefix(size) { response.versions.append(try VersionRecord(found: row).message) }
        if rows.count > size, size > 0 {
            let keys: [String] = try rows[size - 1].decode("keys")
            response.nextPageToken = PageToken(values: keys).text(for: scope)
        }
        if request.count {
            response.total = try await pool.read(
                "SELECT count(*) FROM registry.versions AS v WHERE \(all)"
            ).all(Int64.self).first
        }
        return response
    }
}
