internal import Access
internal import Activities
internal import Blobs
internal import Contracts
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

/// Starts builds: finds what can be found wrong without building, names what is meant for good, and writes the build down
/// together with what it holds.
struct BuildStarter: Sendable {
    let parts: BuildParts
    let activities: Activities

    /// - Throws: `RPCError`: `invalidArgument` with all that is wrong, `notFound` for models and trees that are not there,
    ///   `alreadyExists` for a `request_id` of another request.
    func start(_ asked: Slipway.Images.V1.BuildRequest, by change: ImageChange) async throws -> Activity {
        try RecipeRules.check(asked)
        let digest = try Self.digest(asked)
        if let earlier = try await earlier(asked, digest, change) { return earlier }
        var request = asked
        var recipe = asked.recipe ?? Slipway.Images.V1.Recipe()
        let versions = try await versions(recipe.models, change)
        recipe.models = versions.map { "\($0.model):\($0.version)" }
        request.recipe = recipe
        request.name = try Self.name(asked, versions)
        do {
            _ = try await RecipeContents(recipe, versions, in: change.workspaceID, parts)
        } catch let failure as BuildFailure {
            throw Self.refusal(failure)
        }
        let input = BuildInput(
            request: request, requestDigest: digest, workspace: change.workspace, principal: change.principal)
        var order = ActivityRequest(
            kind: BuildHandler.name, subject: "images/\(request.name)", workspace: change.workspace.name,
            actor: change.actor, input: try input.json, key: asked.requestId.isEmpty ? nil : asked.requestId)
        order.reason = asked.reason.isEmpty ? nil : asked.reason
        let activity = try await write(order, recipe, input, change)
        parts.reporter.ring()
        // Somebody sent the same request at the same moment, and was first.
        try Self.check(activity, digest, asked.requestId)
        return activity
    }

    private func write(
        _ order: ActivityRequest, _ recipe: Slipway.Images.V1.Recipe, _ input: BuildInput, _ change: ImageChange
    ) async throws -> Activity {
        let sources = Array(Set(([recipe.source] + recipe.assets.map(\.source)).compactMap { BlobDigest($0)?.bytes }))
        return try await parts.pool.transaction { transaction in
            let activity = try await Activities.start(order, in: transaction)
            let isNew = try await transaction.query(
                """
                INSERT INTO images.builds (id, workspace)
                SELECT \(activity.id), \(change.workspaceID)
                WHERE \(activity.input == nil ? "" : activity.state.rawValue) = 'pending' ON CONFLICT DO NOTHING
                """
            ).affectedRows
            guard isNew > 0 else { return activity }
            // Locked until the commit: who cleans up finds them taken.
            let taken = try await transaction.query(
                """
                UPDATE images.sources SET touched = now()
                WHERE workspace = \(change.workspaceID) AND digest = ANY(\(sources)) RETURNING id
                """
            ).all(Int64.self)
            guard taken.count == sources.count else {
                throw RPCError(.notFound, "a source tree of the recipe was removed meanwhile: send it again")
            }
            _ = try await transaction.pipeline([
                """
                INSERT INTO images.build_sources (build, source)
                SELECT \(activity.id), given.source FROM unnest(\(taken)) AS given (source)
                """,
                UseReports.statement(
                    UseReport(
                        UseReport.user(ofBuild: activity.id, name: input.request.name), versions: recipe.models,
                        state: "building", of: change, build: activity.id)),
            ])
            return activity
        }
    }

    /// The versions that are meant, as whoever asks may see them.
    private func versions(
        _ models: [String], _ change: ImageChange
    ) async throws -> [Slipway.Models.V1.ModelVersion] {
        let registry = parts.registry.acting(for: change.principal, in: change.workspace)
        var found: [Slipway.Models.V1.ModelVersion] = []
        for (index, model) in models.enumerated() {
            // The registry knows slashes as well.
            let version = try await registry.models.getVersion(.init(version: model))
            guard !found.contains(where: { $0.model == version.model && $0.version == version.version }) else {
                throw RPCError.badRequest(
                    field: "recipe.models[\(index)]",
                    "\(model) is \(version.model):\(version.version), which is there twice")
            }
            found.append(version)
        }
        return found
    }

    private static func name(
        _ request: Slipway.Images.V1.BuildRequest, _ versions: [Slipway.Models.V1.ModelVersion]
    ) throws(RPCError) -> String {
        guard request.name.isEmpty else { return request.name }
        let name = versions.first?.model ?? ""
        guard NameRules.isImage(name) else {
            throw .badRequest(
                field: "name", "the model's name, \(shown(name)), can't be an image's: give one of \(NameRules.image)")
        }
        return name
    }

    private func earlier(
        _ request: Slipway.Images.V1.BuildRequest, _ digest: String, _ change: ImageChange
    ) async throws -> Activity? {
        guard !request.requestId.isEmpty else { return nil }
        let found = try await activities.find(
            kind: BuildHandler.name, key: request.requestId, workspace: change.workspace.name)
        if let found { try Self.check(found, digest, request.requestId) }
        return found
    }

    private static func check(_ activity: Activity, _ digest: String, _ request: String) throws {
        guard try BuildInput(activity.input).requestDigest == digest else {
            throw RPCError.reason(
                .alreadyExists,
                "request_id \(shown(request)) was used for another request: draw a new one for each build, and repeat it "
                    + "only with everything as it was", reason: "REQUEST_ID_USED", domain: "slipway")
        }
    }

    private static func digest(_ request: Slipway.Images.V1.BuildRequest) throws -> String {
        var request = request
        request.reason = ""
        return "\(try BlobHasher.digest(try request.jsonBytes(options: JSONEncodingOptions(sortsKeys: true))))"
    }

    /// What a build would fail with, before it is one.
    static func refusal(_ failure: BuildFailure) -> RPCError {
        .reason(
            failure.code == "source.missing" ? .notFound : .invalidArgument, failure.message, reason: failure.code,
            domain: "slipway")
    }
}
