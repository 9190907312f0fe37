internal import Blobs
internal import Contracts
internal import Postgres

/// What a recipe names, found: the versions of models with the adapter that loads each, the trees, the texts in them.
struct RecipeContents {
    let recipe: Slipway.Images.V1.Recipe
    let versions: [Slipway.Models.V1.ModelVersion]
    /// In the order of `versions`.
    let adapters: [String]
    let source: SourceTree?
    let assets: [AssetIngredient]
    let entry: EntryScriptFacts?
    /// The dependency file's text.
    let dependencies: String?

    /// - Throws: `BuildFailure` with what of it can't be; what the store and the database throw.
    init(
        _ recipe: Slipway.Images.V1.Recipe, _ versions: [Slipway.Models.V1.ModelVersion],
        in workspace: PostgresUUID, _ parts: BuildParts
    ) async throws {
        self.recipe = recipe
        self.versions = versions
        adapters = try versions.map { version in
            try AdapterChoice.adapter(
                for: version,
                asked: recipe.adapters["\(version.model):\(version.version)"] ?? recipe.adapters[version.model],
                hasEntry: !recipe.entry.isEmpty)
        }
        func found(_ digest: String) async throws -> SourceTree {
            guard let digest = BlobDigest(digest), let tree = try await parts.sources.tree(digest, in: workspace) else {
                throw BuildFailure(
                    "source.missing",
                    "there is no source tree \(digest): send it, trees that no build takes up are kept for a day")
            }
            return tree
        }
        source = recipe.source.isEmpty ? nil : try await found(recipe.source)
        var assets: [AssetIngredient] = []
        for asset in recipe.assets {
            assets.append(AssetIngredient(tree: try await found(asset.source), path: asset.path))
        }
        self.assets = assets
        let tree = source
        func text(_ path: String, _ what: String) async throws -> String {
            guard let file = tree?.file(path) else {
                throw BuildFailure("source.file", "the \(what) \(path) is not in the source tree")
            }
            return try await parts.sources.text(file)
        }
        var facts: EntryScriptFacts?
        if !recipe.entry.isEmpty {
            let script = try await text(recipe.entry, "entry script")
            facts = try await parts.scripts.check(path: recipe.entry, text: script)
        }
        entry = facts
        var requirements: String?
        if !recipe.dependencies.isEmpty { requirements = try await text(recipe.dependencies, "dependency file") }
        dependencies = requirements
        for step in recipe.steps {
            guard case .copy(let copy) = step.kind, let source else { continue }
            let from = copy.from.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
            let isThere = from.isEmpty || source.files.contains { $0.path == from || $0.path.hasPrefix(from + "/") }
            guard isThere else {
                throw BuildFailure("source.file", "\(copy.from), which a step copies, is not in the source tree")
            }
        }
        if let request = environment(basePython: nil) { try parts.environments.check(request) }
    }

    /// What is wanted of Python; nil where the image needs none.
    func environment(basePython: String?) -> EnvironmentRequest? {
        guard dependencies != nil || entry != nil || adapters.contains(AdapterChoice.python) else { return nil }
        // Whoever brings a dependency file knows what the models need.
        let served = zip(versions, adapters).filter { $0.1 == AdapterChoice.python }.map(\.0)
        return EnvironmentRequest(
            fileName: dependencies == nil ? "requirements.txt" : recipe.dependencies, text: dependencies ?? "",
            additions: dependencies == nil ? PythonNeeds.requirements(served) : [], gpu: recipe.gpu,
            basePython: basePython)
    }

    func ingredients(
        _ files: [[TreeFile]], environment: EnvironmentLock?, base: BaseIngredient?, _ parts: BuildParts
    ) -> ImageIngredients {
        let models = zip(zip(versions, adapters), files).map { known, files in
            let (version, adapter) = known
            return ModelIngredient(
                name: version.model, version: Int(version.version), digest: version.digest,
                format: version.format?.name ?? "unknown", mainPath: version.format?.mainPath ?? "", adapter: adapter,
                run: version.origin?.run ?? "", commit: version.origin?.git?.commit ?? "", files: files)
        }
        return ImageIngredients(
            models: models, source: source, entry: recipe.entry.isEmpty ? nil : recipe.entry, environment: environment,
            assets: assets, variables: recipe.variables, base: base, steps: recipe.steps.compactMap(ImageStep.init),
            gpu: recipe.gpu, platform: parts.platform)
    }
}
