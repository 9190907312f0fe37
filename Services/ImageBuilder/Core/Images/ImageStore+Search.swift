public import Access
public import Contracts
internal import Blobs
internal import Postgres
internal import RPC
internal import ResourceKit

extension ImageStore {
    /// Images that meet every condition, the newest first, a page at a time.
    /// - Throws: `RPCError` `invalidArgument`.
    public func search(
        _ request: Slipway.Images.V1.SearchImagesRequest, in workspace: Workspace
    ) async throws -> Slipway.Images.V1.SearchImagesResponse {
        let size = try PageSize.check(request.pageSize)
        var conditions = try ImageStore.conditions(request)
        var scope = request
        (scope.pageSize, scope.pageToken) = (0, "")
        let query = "images \(workspace.id) \(scope.serialized())"
        if let token = try PageToken.read(request.pageToken, for: query) {
            guard let last = token.values.first.flatMap(Int64.init) else { throw PageToken.refusal }
            conditions.append("i.id < \(last)")
        }
        let condition = conditions.reduce("i.workspace = \(workspace.databaseID)" as PostgresQuery) {
            "\($0) AND \($1)"
        }
        // The best way depends on how rare a name or tag is.
        let rows = try await pool.read(
            ("""
            SELECT \(ImageRecord.columnsOfMany) FROM images.images AS i WHERE \(condition)
            ORDER BY i.id DESC LIMIT \(size + 1)
            """ as PostgresQuery).plannedForValues()
        ).all(ImageRecord.self)
        var response = Slipway.Images.V1.SearchImagesResponse()
        response.images = rows.prefix(size).map { found in
            var image = found.stored.image
            image.recipe = nil
            image.layers = []
            image.environment = nil
            return image
        }
        if rows.count > size, let last = rows.prefix(size).last {
            response.nextPageToken = PageToken(values: ["\(last.stored.id)"]).text(for: query)
        }
        return response
    }

    private static func conditions(
        _ request: Slipway.Images.V1.SearchImagesRequest
    ) throws(RPCError) -> [PostgresQuery] {
        var violations = FieldViolations()
        var conditions: [PostgresQuery] = []
        if !request.name.isEmpty {
            violations.check(image: request.name)
            conditions.append("i.name = \(request.name)")
        }
        if !request.namePrefix.isEmpty {
            violations.check(image: request.namePrefix, "name_prefix")
            // Names are ASCII, and this sorts behind all of it: a range of the index.
            conditions.append("i.name >= \(request.namePrefix) AND i.name < \(request.namePrefix + "\u{7F}")")
        }
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
                conditions.append("i.tags @> \(PostgresJSON(RowJSON.object([key: value])))")
            } else {
                conditions.append("i.tags ? \(key)")
            }
        }
        if !request.model.isEmpty { conditions.append(model(request.model, &violations)) }
        if !request.digest.isEmpty {
            if let digest = BlobDigest(request.digest) {
                conditions.append("i.digest = \(digest.bytes)")
            } else {
                violations.add("digest", "\(shown(request.digest)) is no digest: sha256: and 64 digits")
            }
        }
        if !request.includeDeleted { conditions.append("i.deleted IS NULL") }
        if request.latest {
            conditions.append(
                """
                NOT EXISTS (SELECT FROM images.images AS later WHERE later.workspace = i.workspace
                    AND later.name = i.name AND later.id > i.id
                    AND (\(request.includeDeleted) OR later.deleted IS NULL))
                """)
        }
        try violations.check()
        return conditions
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
        return """
            i.id IN (SELECT m.image FROM images.image_models AS m
                WHERE m.workspace = i.workspace AND m.model = \(name) AND \(version))
            """
    }
}
