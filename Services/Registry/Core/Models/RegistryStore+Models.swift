import ResourceKit
public import Access
public import Contracts
import Postgres
import RPC

extension RegistryStore {
    /// One model, without its versions.
    /// - Throws: `RPCError` `notFound` with a name that may have been meant.
    public func model(_ name: String, in workspace: Workspace) async throws -> Slipway.Models.V1.Model {
        var violations = FieldViolations()
        violations.check(model: name)
        try violations.check()
        guard let model = try await find(model: name, in: workspace) else {
            throw try await missing(model: name, in: workspace)
        }
        return model
    }

    func find(model name: String, in workspace: Workspace) async throws -> Slipway.Models.V1.Model? {
        try await pool.read(
            """
            SELECT \(ModelRecord.columns) FROM \(ModelRecord.tables)
            WHERE m.workspace = \(workspace.databaseID) AND m.name = \(name)
            """
        ).first.map { try ModelRecord($0).message }
    }

    /// Models by name, a page at a time.
    public func models(
        _ request: Slipway.Models.V1.ListModelsRequest, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.ListModelsResponse {
        let size = try PageSize.check(request.pageSize)
        let prefix = request.namePrefix
        guard prefix.isEmpty || NameRules.isModel(prefix) else {
            throw RPCError.badRequest(field: "name_prefix", "\(shown(prefix)) begins no name: \(NameRules.model)")
        }
        let query = "models \(workspace.id) \(prefix)"
        let token = try PageToken.read(request.pageToken, for: query)
        // Names are ASCII, and this sorts behind all of it: a range of the index.
        let end = prefix + "\u{7F}"
        let rows = try await pool.read(
            """
            SELECT \(ModelRecord.columns) FROM \(ModelRecord.tables)
            WHERE m.workspace = \(workspace.databaseID) AND m.name >= \(prefix) AND m.name < \(end)
                AND m.name > \(token?.values.first ?? "")
            ORDER BY m.name LIMIT \(size + 1)
            """)
        var response = Slipway.Models.V1.ListModelsResponse()
        response.models = try rows.prefix(size).map { try ModelRecord($0).message }
        if rows.count > size, let last = response.models.last {
            response.nextPageToken = PageToken(values: [last.name]).text(for: query)
        }
        return response
    }
}
