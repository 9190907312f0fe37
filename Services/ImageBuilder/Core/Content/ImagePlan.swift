internal import Blobs
internal import OCI
internal import Tar

/// What an image will consist of, decided by its ingredients before a byte is written.
struct ImagePlan: Sendable {
    /// Over this number all models share a layer: runtimes take 127 layers at most.
    private static let modelLayersMax = 32

    let ingredients: ImageIngredients
    /// Of this machine's files.
    var own: [LayerPlan] = []
    var environmentLayers: [PlanWriter.EnvironmentPlan] = []
    private(set) var environmentVariables: [String: String] = [:]
    private(set) var contents: [LayerPlan] = []
    private(set) var execution = StepResult()

    init(_ ingredients: ImageIngredients) { self.ingredients = ingredients }

    /// Of the pool's layers, lowest first; those of the environment go between.
    var layers: [LayerPlan] { own + contents }

    /// A script decides what is done with the models, whatever they are.
    var adapters: [String] {
        ingredients.entry == nil ? Set(ingredients.models.map(\.adapter)).sorted() : ["python"]
    }

    var modelPaths: [String] { ingredients.models.map(Self.path) }

    static func path(_ model: ModelIngredient) -> String { "\(ImageLayout.models)/\(model.name)/\(model.version)" }

    /// - Throws: `BuildFailure` where the ingredients don't fit each other or the base.
    mutating func planContents(
        _ base: BaseImage?, environments: (any EnvironmentBuilding)?, store: any BlobStore
    ) async throws {
        try await planEnvironment(environments, hasBase: base != nil)
        let folders = try await PlacedFolders(ingredients, base: base, in: store)
        if let source = try planSource(folders) { contents.append(source) }
        contents += try planModels()
        let steps = try StepResult(ingredients, on: base?.configuration, over: folders)
        execution = steps
        if !steps.layer.isEmpty { contents.append(steps.layer) }
    }

    private mutating func planEnvironment(
        _ environments: (any EnvironmentBuilding)?, hasBase: Bool
    ) async throws {
        guard let lock = ingredients.environment else {
            guard !adapters.contains("python") || hasBase else {
                throw BuildFailure(
                    "python.missing",
                    "the image needs Python, and gets none: name its dependencies, or a base that has one")
            }
            return
        }
        guard let environments else {
            throw BuildFailure("python.missing", "this builder makes no images with Python")
        }
        let (python, packages) = (ImageLayout.python, ImageLayout.packages)
        environmentVariables = try await environments.variables(lock, pythonAt: python, packagesAt: packages)
        func key(_ what: String, _ folder: String) throws -> String {
            let text = "\(what) 1 \(lock.key) \(lock.python) \(folder) level \(PlanWriter.environmentLevel)"
            return "\(what)-\(try BlobHasher.digest(text.utf8).hexadecimal)"
        }
        if !lock.usesBase {
            environmentLayers.append(
                .init(kind: .python, key: try key("python", python), description: "Python \(lock.python)") { _ in
                    try await environments.python(lock, at: python)
                })
        }
        if !lock.packages.isEmpty {
            let count = lock.packages.count
            environmentLayers.append(
                .init(
                    kind: .packages, key: try key("packages", packages),
                    description: count == 1 ? "1 package" : "\(count) packages"
                ) { try await environments.packages(lock, at: packages, progress: $0) })
        }
    }

    private func planSource(_ folders: PlacedFolders) throws -> LayerPlan? {
        var plan = LayerPlan(.source, "", folders: folders.entries)
        var words: [String] = []
        if let entry = ingredients.entry {
            guard let source = ingredients.source, source.files.contains(where: { $0.path == entry }) else {
                throw BuildFailure("entry.missing", "the source tree has no file `\(entry)`")
            }
            plan.add(ImageLayout.source, .folder)
            for file in source.files { plan.add(file, below: ImageLayout.source) }
            words.append("entry script \(entry)")
        }
        for asset in ingredients.assets {
            let path = try folders.settled(ImagePath.destination(asset.path, of: "assets"))
            plan.add(path, .folder, keeping: folders)
            for file in asset.tree.files { try plan.add(file, below: path, of: "assets") }
            words.append("assets in \(path)")
        }
        plan.description = words.joined(separator: ", ")
        return plan.isEmpty ? nil : plan
    }

    private func planModels() throws -> [LayerPlan] {
        guard !ingredients.models.isEmpty else { throw BuildFailure("models.none", "an image has at least one model") }
        var seen: Set<String> = []
        var layers: [LayerPlan] = []
        for model in ingredients.models {
            guard ImagePath.isName(model.name), model.version > 0 else {
                throw BuildFailure(
                    "model.name", "`\(model.name)` version \(model.version) can't be a folder of an image")
            }
            guard seen.insert("\(model.name):\(model.version)").inserted else {
                throw BuildFailure("models.twice", "\(model.name):\(model.version) is asked for twice")
            }
            let isShared = ingredients.models.count > Self.modelLayersMax
            if layers.isEmpty || !isShared {
                layers.append(
                    LayerPlan(
                        .models, isShared ? "\(ingredients.models.count) models" : "\(model.name):\(model.version)",
                        compression: .measured))
            }
            let place = layers.count - 1
            layers[place].add(Self.path(model), .folder)
            for file in model.files { layers[place].add(file, below: Self.path(model)) }
        }
        return layers + [try ServedModels(ingredients).layer()]
    }
}

extension LayerPlan {
    mutating func add(_ file: TreeFile, below folder: String) {
        add("\(folder)/\(file.path)", .blob(file.digest, size: file.size), mode: file.isExecutable ? 0o755 : 0o644)
    }

    /// Where somebody wants it.
    mutating func add(_ file: TreeFile, below folder: String, of what: String) throws(BuildFailure) {
        try ImagePath.check("\(folder)/\(file.path)", of: what)
        add(file, below: folder)
    }

    /// A folder, unless it is there already and stays as it is.
    mutating func add(_ path: String, _ origin: Origin, keeping folders: PlacedFolders) {
        guard folders.entries[ImageLayout.member(path)] == nil, path != "/" else { return }
        add(path, origin)
    }
}
