internal import Access
public import Activities
public import Contracts
public import RPC
internal import ActivityService
internal import Postgres
internal import ResourceKit

/// `slipway.images.v1.Images` for callers: each in the workspace of its call, which the access interceptor found.
public struct ImagesService: Slipway.Images.V1.Images.SimpleService {
    private let store: ImageStore
    private let parts: BuildParts
    private let activities: Activities
    private let extras: ImageExtras

    /// - Parameter activities: whose workers have handlers for what is started here.
    public init(_ parts: BuildParts, activities: Activities, extras: ImageExtras) {
        store = ImageStore(parts.pool)
        self.parts = parts
        self.activities = activities
        self.extras = extras
    }

    public func uploadSource(
        _ requests: RequestStream<Slipway.Images.V1.UploadSourceRequest>, context: ServerContext
    ) async throws -> Slipway.Images.V1.SourceTree {
        try await parts.sources.take(requests, by: context.imageChange(""))
    }

    public func build(
        _ request: Slipway.Images.V1.BuildRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.Activity {
        let starter = BuildStarter(parts: parts, activities: activities)
        return .init(try await starter.start(request, by: context.imageChange(request.reason)))
    }

    public func getImage(
        _ request: Slipway.Images.V1.GetImageRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.Image {
        try await store.image(request.image, includeDeleted: request.includeDeleted, in: context.workspace).image
    }

    public func searchImages(
        _ request: Slipway.Images.V1.SearchImagesRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.SearchImagesResponse {
        try await store.search(request, in: context.workspace)
    }

    public func updateImage(
        _ request: Slipway.Images.V1.UpdateImageRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.Image {
        try await store.update(request, by: context.imageChange(request.reason))
    }

    public func setAlias(
        _ request: Slipway.Images.V1.SetAliasRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.Image {
        try await store.setAlias(request, by: context.imageChange(request.reason))
    }

    public func deleteAlias(
        _ request: Slipway.Images.V1.DeleteAliasRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.DeleteAliasResponse {
        try await store.deleteAlias(request, by: context.imageChange(request.reason))
        return .init()
    }

    public func deleteImage(
        _ request: Slipway.Images.V1.DeleteImageRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.Image {
        defer { parts.reporter.ring() }
        return try await store.delete(request, by: context.imageChange(request.reason))
    }

    public func restoreImage(
        _ request: Slipway.Images.V1.RestoreImageRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.Image {
        defer { parts.reporter.ring() }
        return try await store.restore(request, by: context.imageChange(request.reason))
    }

    public func reportUse(
        _ request: Slipway.Images.V1.ReportUseRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.ReportUseResponse {
        .init(accepted: try await store.reportUse(request, by: context.imageChange("")))
    }

    public func compareImages(
        _ request: Slipway.Images.V1.CompareImagesRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.ImageComparison {
        let from = try await store.image(request.from, includeDeleted: true, field: "from", in: context.workspace)
        let to = try await store.image(request.to, includeDeleted: true, field: "to", in: context.workspace)
        return try await extras.comparing.compare(from, to)
    }

    public func verify(
        _ request: Slipway.Images.V1.VerifyRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.Activity {
        let change = try context.imageChange("")
        let stored = try await store.image(request.image, in: change.workspace)
        let input = VerifyInput(image: stored.id, workspace: change.workspace, principal: change.principal)
        let order = ActivityRequest(
            kind: VerifyHandler.name, subject: stored.subject, workspace: change.workspace.name, actor: change.actor,
            input: input.json)
        return .init(
            try await parts.pool.transaction { transaction in
                let activity = try await Activities.start(order, in: transaction)
                try await transaction.execute(
                    "INSERT INTO images.builds (id, workspace) VALUES (\(activity.id), \(change.workspaceID))")
                return activity
            })
    }

    public func push(
        _ request: Slipway.Images.V1.PushRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.Activity {
        let change = try context.imageChange(request.reason)
        var violations = FieldViolations()
        violations.check(reason: request.reason)
        try violations.check()
        let stored = try await store.image(request.image, in: change.workspace)
        let input = try await extras.pushing.prepare(request, stored, by: context.caller)
        var order = ActivityRequest(
            kind: extras.pushing.kind, subject: stored.subject, workspace: change.workspace.name, actor: change.actor,
            input: PostgresJSON(input))
        order.reason = request.reason.isEmpty ? nil : request.reason
        return .init(try await activities.start(order))
    }

    public func export(
        _ request: Slipway.Images.V1.ExportRequest,
        responses: ResponseWriter<Slipway.Images.V1.ExportResponse>, context: ServerContext
    ) async throws {
        let stored = try await store.image(request.image, in: context.workspace)
        try await extras.exporting.export(stored, as: request.format, to: responses)
    }
}
