public import Activities
public import Postgres
internal import Blobs
internal import Contracts
internal import RPC
internal import ResourceKit

/// Runs the activity `image.build`: brings what goes into an image, has it assembled, and records it.
///
/// It bears being run again from the start, by whichever process: what an earlier attempt brought is held by the build and
/// found again, layers and locks are remembered, and an image is recorded at most once for each activity. Killed at any
/// point it leaves a build that another worker goes on with, blobs that nobody names once the build has ended, and no image.
public struct BuildHandler: ActivityHandler {
    static let name = "image.build"

    public let kind = BuildHandler.name
    public let isResumable = true
    private let parts: BuildParts
    /// Hears of each step before it is taken; tests end a process there.
    var onStep: @Sendable (BuildStep) async throws -> Void = { _ in }

    public init(_ parts: BuildParts) { self.parts = parts }

    public func run(_ context: ActivityContext) async throws -> PostgresJSON? {
        defer { parts.reporter.ring() }
        return try await BuildTrouble.translating { try await build(context) }
    }

    private func build(_ context: ActivityContext) async throws -> PostgresJSON? {
        let recorder = ImageRecorder(parts.pool)
        // An earlier attempt was killed between its commit and its end.
        if let stored = try await recorder.recorded(context.activity.id) { return Self.result(stored) }
        let input = try BuildInput(context.activity.input)
        let recipe = input.request.recipe ?? Slipway.Images.V1.Recipe()
        let registry = parts.registry.acting(for: input.principal, in: input.workspace)

        try await begin(.hold, "holding the models at the registry", context)
        try await parts.reporter.tellNow(
            UseReport.user(ofBuild: context.activity.id, name: input.request.name), in: input.workspace)
        var versions: [Slipway.Models.V1.ModelVersion] = []
        for model in recipe.models {
            versions.append(try await registry.models.getVersion(.init(version: model)))
        }
        let contents = try await RecipeContents(recipe, versions, in: input.workspace.databaseID, parts)

        try await begin(.models, "bringing the models' files", context)
        let bringer = ModelBringer(
            registry: registry, store: parts.store, pool: parts.pool, build: context.activity.id)
        let files = try await bringer.bring(versions) { done, total in
            context.report(
                fraction: total > 0 ? Double(done) / Double(total) : 1, step: BuildStep.models.rawValue,
                message: "\(done) of \(total) bytes")
        }

        let progress: @Sendable (BuildProgress) async -> Void = { said in
            context.report(fraction: said.fraction, step: said.step, message: said.message)
            if !said.message.isEmpty { await context.log("\(said.step): \(said.message)") }
        }
        var base: BroughtBase?
        if !recipe.base.isEmpty {
            try await begin(.base, "bringing the base \(recipe.base)", context)
            base = try await parts.bases.bring(
                recipe.base, for: parts.platform, in: input.workspace, progress: progress)
        }
        var environment: (lock: EnvironmentLock, pins: [BlobPin])?
        if let request = contents.environment(basePython: base?.python) {
            try await begin(.environment, "resolving the packages", context)
            environment = try await parts.environments.resolve(request, fresh: false, progress: progress)
        }

        try await begin(.assemble, "writing the layers", context)
        let ingredients = contents.ingredients(
            files, environment: environment?.lock, base: base?.base, parts)
        let image = try await parts.assembler.assemble(
            ingredients, memory: LayerRecords(parts.pool), progress: progress)

        try await begin(.record, "recording the image", context)
        let built = BuiltImage(input: input, contents: contents, ingredients: ingredients, image: image)
        let stored = try await recorder.record(built, context)
        // Until here nothing that the image needs could be collected; from here on its rows say so.
        withExtendedLifetime((base?.pins, environment?.pins, image.pins)) {}
        try await onStep(.recorded)
        await context.log("recorded \(stored.name) as \(stored.digest)")
        return Self.result(stored)
    }

    private func begin(_ step: BuildStep, _ message: String, _ context: ActivityContext) async throws {
        try Task.checkCancellation()
        context.report(step: step.rawValue, message: message)
        await context.log(message)
        try await onStep(step)
    }

    private static func result(_ stored: StoredImage) -> PostgresJSON {
        PostgresJSON(RowJSON.object(["image": stored.name, "digest": "\(stored.digest)"]))
    }
}

/// The parts of a build, as its progress names them.
enum BuildStep: String, CaseIterable, Sendable {
    case hold, models, base, environment, assemble, record
    /// Everything is written down, and the activity not ended yet.
    case recorded
}
