package import Access
package import Contracts
internal import Blobs
internal import Postgres
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// Deployments that meet every condition, by name, a page at a time.
    /// - Throws: `RPCError` `invalidArgument`.
    package func search(
        _ request: V1.SearchDeploymentsRequest, in workspace: Workspace
    ) async throws -> V1.SearchDeploymentsResponse {
        let size = try PageSize.check(request.pageSize)
        var conditions = try DeploymentStore.conditions(request)
        var scope = request
        (scope.pageSize, scope.pageToken) = (0, "")
        let query = "deployments \(workspace.id) \(scope.serialized())"
        if let token = try PageToken.read(request.pageToken, for: query) {
            guard let last = token.values.first else { throw PageToken.refusal }
            conditions.append("d.name > \(last)")
        }
        let start: PostgresQuery = "d.workspace = \(workspace.databaseID) AND d.deleted IS NULL"
        let condition = conditions.reduce(start) { "\($0) AND \($1)" }
        // The best way depends on how rare a model or tag is.
        let rows = try await pool.read(
            ("""
            SELECT \(DeploymentRecord.columns) FROM \(DeploymentRecord.tables) WHERE \(condition)
            ORDER BY d.name LIMIT \(size + 1)
            """ as PostgresQuery).plannedForValues()
        ).all(DeploymentRecord.self)
        var response = V1.SearchDeploymentsResponse()
        response.deployments = rows.prefix(size).map { $0.shown(addresses) }
        if rows.count > size, let last = rows.prefix(size).last {
            response.nextPageToken = PageToken(values: [last.deployment.name]).text(for: query)
        }
        return response
    }

    private static func conditions(_ request: V1.SearchDeploymentsRequest) throws(RPCError) -> [PostgresQuery] {
        var violations = FieldViolations()
        var conditions: [PostgresQuery] = []
        if !request.model.isEmpty { conditions.append(model(request.model, &violations)) }
        if !request.image.isEmpty { conditions.append(image(request.image, &violations)) }
        if request.tags.count > TextLimits.labelsMax {
            violations.add("tags", "there are \(request.tags.count); \(TextLimits.labelsMax) at most")
        }
        for (index, tag) in request.tags.prefix(TextLimits.labelsMax).enumerated() {
            let parts = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(parts[0])
            violations.check(key: key, "tags[\(index)]")
            if parts.count > 1 {
                let value = String(parts[1])
                violations.check(text: value, "tags[\(index)]", bytesMax: TextLimits.labelBytesMax)
                conditions.append("d.tags @> \(PostgresJSON(RowJSON.object([key: value])))")
            } else {
                conditions.append("d.tags ? \(key)")
            }
        }
        if !request.target.isEmpty {
            violations.check(place: request.target, "target")
            conditions.append("t.name = \(request.target)")
        }
        if request.state != .unspecified {
            if !request.state.isKnown { violations.add("state", "\(request.state) is not known") }
            conditions.append("d.state = \(Int16(truncatingIfNeeded: request.state.rawValue))")
        }
        try violations.check()
        return conditions
    }

    /// The newest revision `v`, or one that serves, meets a condition.
    private static func revision(_ condition: PostgresQuery) -> PostgresQuery {
        """
        EXISTS (SELECT FROM deployments.revisions AS v WHERE v.deployment = d.id AND \(condition)
            AND (v.number = d.newest OR EXISTS (SELECT FROM deployments.shares AS s
                WHERE s.deployment = d.id AND s.revision = v.number AND s.percent > 0)))
        """
    }

    private static func model(_ text: String, _ violations: inout FieldViolations) -> PostgresQuery {
        var version: PostgresQuery = "true"
        var name = text
        if let reference = VersionReference(text, isName: NameRules.isModel), case .number(let number) = reference.which
        {
            (name, version) = (reference.name, "m.version = \(number)")
        } else if !NameRules.isModel(text) {
            violations.add("model", "\(shown(text)) is neither a model's name nor name:3")
        }
        return revision(
            """
            v.number IN (SELECT m.revision FROM deployments.revision_models AS m
                WHERE m.deployment = d.id AND m.model = \(name) AND \(version))
            """)
    }

    private static func image(_ text: String, _ violations: inout FieldViolations) -> PostgresQuery {
        if let digest = BlobDigest(text) { return revision("v.digest = \(digest.bytes)") }
        if let reference = VersionReference(text, isName: NameRules.isImage), case .number(let number) = reference.which
        {
            return revision("v.image_name = \(reference.name) AND v.image_version = \(number)")
        }
        if !NameRules.isImage(text) {
            violations.add("image", "\(shown(text)) is neither an image's name, nor name:2, nor a digest")
        }
        return revision("v.image_name = \(text)")
    }
}
