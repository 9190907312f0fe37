public import Activities
public import Postgres
internal import Access
internal import Blobs
internal import Contracts
internal import Identity
internal import Protobuf
internal import RPC
internal import ResourceKit

/// Runs the activity `image.verify`: builds an image once more from what it was built of, without a single layer that was
/// written before, and compares.
public struct VerifyHandler: ActivityHandler {
    static let name = "image.verify"

    public let kind = VerifyHandler.name
    public let isResumable = true
    private static let filesMax = 100

    private let parts: BuildParts
    private let comparing: any ImageComparing

    /// - Parameter comparing: says which files differ where it is not the same.
    public init(_ parts: BuildParts, comparing: any ImageComparing) {
        self.parts = parts
        self.comparing = comparing
    }

    public func run(_ context: ActivityContext) async throws -> PostgresJSON? {
        defer { parts.reporter.ring() }
        return try await BuildTrouble.translating { try await verify(context) }
    }

    private func verify(_ context: ActivityContext) async throws -> PostgresJSON? {
        let input = try VerifyInput(context.activity.input)
        let stored = try await parts.pool.query(
            "SELECT \(ImageRecord.columns) FROM images.images AS i WHERE i.id = \(input.image)"
        ).all(ImageRecord.self).first?.stored
        guard let stored else { throw BuildFailure("image.missing", "the image was removed meanwhile") }
        var recipe = stored.image.recipe ?? Slipway.Images.V1.Recipe()
        // By the adapters that were chosen: what loads which format may be decided otherwise by now.
        recipe.adapters = Dictionary(stored.image.models.map { ($0.version, $0.adapter) }) { first, _ in first }
        let registry = parts.registry.acting(for: input.principal, in: input.workspace)
        let versions = try await versions(stored, registry)
        let contents = try await RecipeContents(recipe, versions, in: input.workspace.databaseID, parts)

        let progress: @Sendable (BuildProgress) async -> Void = { said in
            context.report(fraction: said.fraction, step: said.step, message: said.message)
            if !said.message.isEmpty { await context.log("\(said.step): \(said.message)") }
        }
        context.report(step: "models", message: "bringing the models' files")
        let files = try await ModelBringer(
            registry: registry, store: parts.store, pool: parts.pool, build: context.activity.id
        ).bring(versions) { done, total in
            context.report(fraction: total > 0 ? Double(done) / Double(total) : 1, step: "models")
        }
        let base = try await base(stored, input.workspace, progress)
        let environment = try stored.image.environment.map {
            try EnvironmentLock($0, usesBase: stored.usesBasePython)
        }
        try Task.checkCancellation()
        let image = try await parts.assembler.assemble(
            contents.ingredients(files, environment: environment, base: base?.base, parts), memory: nil,
            progress: progress)
        withExtendedLifetime(base?.pins) {}
        defer { withExtendedLifetime(image.pins) {} }
        return Self.result(stored, image, try await differences(stored, image))
    }

    /// What differs in the files; nil where nothing does, or where what was built before is not whole any more.
    private func differences(
        _ stored: StoredImage, _ image: AssembledImage
    ) async throws -> Slipway.Images.V1.ImageComparison? {
        guard image.manifest.digest != stored.digest else { return nil }
        var found = stored.image
        found.digest = "\(image.manifest.digest)"
        found.layers = image.layers.map { .init($0) }
        let built = StoredImage(
            id: stored.id, image: found, digest: image.manifest.digest, usesBasePython: stored.usesBasePython)
        do { return try await comparing.compare(stored, built) } catch let error as RPCError
            where error.code == .dataLoss
        {
            return nil
        }
    }

    private func versions(
        _ stored: StoredImage, _ registry: RegistryCalls
    ) async throws -> [Slipway.Models.V1.ModelVersion] {
        var versions: [Slipway.Models.V1.ModelVersion] = []
        for model in stored.image.models {
            let version = try await registry.models.getVersion(.init(version: model.version))
            guard version.digest == model.digest else {
                throw BuildFailure("model.damaged", "\(model.version) has other files by now than when it was built in")
            }
            versions.append(version)
        }
        return versions
    }

    /// The very base that it was: by digest, whatever its name means by now.
    private func base(
        _ stored: StoredImage, _ workspace: Workspace,
        _ progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> BroughtBase? {
        guard let base = stored.image.base else { return nil }
        let isLayout = base.reference.hasPrefix("oci:") || base.reference.contains("@")
        var found = try await parts.bases.bring(
            isLayout ? base.reference : "\(base.reference)@\(base.digest)", for: parts.platform, in: workspace,
            progress: progress)
        guard "\(found.base.manifest.digest)" == base.digest else {
            throw BuildFailure("base.changed", "\(base.reference) is not \(base.digest) any more")
        }
        // As it was asked for: the reference stands in the image.
        found.base.reference = base.reference
        return found
    }

    private static func result(
        _ stored: StoredImage, _ image: AssembledImage, _ comparison: Slipway.Images.V1.ImageComparison?
    ) -> PostgresJSON {
        let isSame = image.manifest.digest == stored.digest
        var members = [
            ("same", isSame ? "true" : "false"), ("image", RowJSON.text(stored.name)),
            ("digest", RowJSON.text("\(stored.digest)")), ("found", RowJSON.text("\(image.manifest.digest)")),
        ]
        if !isSame {
            let before = stored.image.layers
            let differing = (0..<max(before.count, image.layers.count)).compactMap { place -> String? in
                let old = before.indices.contains(place) ? before[place] : nil
                let new = image.layers.indices.contains(place) ? image.layers[place] : nil
                guard old?.digest != new.map({ "\($0.descriptor.digest)" }) else { return nil }
                return RowJSON.object([
                    "kind": new?.kind.rawValue ?? old?.kind ?? "", "digest": old?.digest ?? "",
                    "found": new.map { "\($0.descriptor.digest)" } ?? "",
                ])
            }
            members.append(("layers", "[\(differing.joined(separator: ","))]"))
            if let comparison {
                let files = comparison.files.prefix(filesMax).map { file in
                    RowJSON.object(["path": file.path, "change": change(file.change), "layer": file.layer])
                }
                let isCut = comparison.truncated || comparison.files.count > filesMax
                members.append(("files", "[\(files.joined(separator: ","))]"))
                members.append(("moreFiles", isCut ? "true" : "false"))
            }
        }
        return PostgresJSON(RowJSON.members(members))
    }

    private static func change(_ change: Slipway.Images.V1.FileDifference.Change) -> String {
        switch change {
        case .added: "added"
        case .removed: "removed"
        default: "changed"
        }
    }
}

/// What is to be verified, and for whom.
struct VerifyInput {
    let image: Int64
    let workspace: Workspace
    let principal: EntityID

    var json: PostgresJSON {
        PostgresJSON(
            RowJSON.object([
                "image": "\(image)", "workspace": "\(workspace.id)", "workspaceName": workspace.name,
                "principal": "\(principal)",
            ]))
    }

    init(image: Int64, workspace: Workspace, principal: EntityID) {
        self.image = image
        self.workspace = workspace
        self.principal = principal
    }

    init(_ json: PostgresJSON?) throws {
        let texts = try RowJSON.strings(json ?? PostgresJSON("{}"))
        guard let image = texts["image"].flatMap(Int64.init), let name = texts["workspaceName"],
            let workspace = texts["workspace"].flatMap({ PostgresUUID($0) }),
            let principal = texts["principal"].flatMap({ PostgresUUID($0) })
        else { throw BuildFailure("verify.input", "the activity does not say what to verify") }
        self.init(
            image: image, workspace: Workspace(id: EntityID(workspace), name: name),
            principal: EntityID(principal))
    }
}
