internal import Access
internal import Contracts
internal import Identity
internal import Postgres
internal import Protobuf
internal import ResourceKit

/// What a build's activity is to do, as it is written down with it.
struct BuildInput {
    /// As it was asked for, but with models named by their numbers and the image by its name.
    var request: Slipway.Images.V1.BuildRequest
    /// Of the request before anything in it was resolved: another one under the same `request_id` is an error.
    var requestDigest: String
    var workspace: Workspace
    /// Who asked for it: the models are read in this name.
    var principal: EntityID

    var json: PostgresJSON {
        get throws {
            PostgresJSON(
                RowJSON.members([
                    ("request", try request.jsonString()), ("requestDigest", RowJSON.text(requestDigest)),
                    ("workspace", RowJSON.text("\(workspace.id)")),
                    ("workspaceName", RowJSON.text(workspace.name)), ("principal", RowJSON.text("\(principal)")),
                ]))
        }
    }

    init(
        request: Slipway.Images.V1.BuildRequest, requestDigest: String, workspace: Workspace, principal: EntityID
    ) {
        self.request = request
        self.requestDigest = requestDigest
        self.workspace = workspace
        self.principal = principal
    }

    /// - Throws: `BuildFailure` for what no `json` gave.
    init(_ json: PostgresJSON?) throws {
        var request: Slipway.Images.V1.BuildRequest?
        var texts: [String: String] = [:]
        try JSONReader.read(
            Array((json?.text ?? "{}").utf8)[...], options: JSONDecodingOptions(ignoresUnknownFields: true)
        ) { json in
            try json.members { key, json in
                switch key {
                case "request":
                    var found = Slipway.Images.V1.BuildRequest()
                    try found.mergeJSON(from: &json)
                    request = found
                case "requestDigest", "workspace", "workspaceName", "principal": texts[key] = try json.string()
                default: try json.skipValue()
                }
            }
        }
        guard let request, let workspace = texts["workspace"].flatMap({ PostgresUUID($0) }),
            let name = texts["workspaceName"], let principal = texts["principal"].flatMap({ PostgresUUID($0) })
        else { throw BuildFailure("build.input", "the activity does not say what to build") }
        self.init(
            request: request, requestDigest: texts["requestDigest"] ?? "",
            workspace: Workspace(id: EntityID(workspace), name: name), principal: EntityID(principal))
    }
}
