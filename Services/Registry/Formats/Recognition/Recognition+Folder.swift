internal import YAML

extension Recognition {
    /// Looks at every file and describes the one that is the model.
    func describeFolder(
        chosen: String? = nil, _ format: ModelFormat = .unknown, framework: String = ""
    ) throws -> ModelDescription {
        let all = try examineAll()
        var description = chosen.map { _ in ModelDescription.of(format, framework: framework) } ?? ModelDescription()
        if let chosen {
            description.path = chosen
        } else if let model = Self.model(among: all.descriptions) {
            description = model
        }
        merge(all, into: &description)
        try readEnvironment(
            EnvironmentReader.names.compactMap { name in paths.first { Self.name($0) == name } }, &description)
        return description
    }

    /// A folder that MLflow wrote: its own facts, and those of the model file inside.
    func describeMLflow(_ path: String) throws -> ModelDescription {
        let all = try examineAll()
        var reader = MLmodelReader(limits: limits)
        var failure: FormatError?
        do { try reader.read(try YAMLReader.read(try text(path), limits: limits)) } catch let error as FormatError {
            failure = error
        }
        var description = reader.description
        description.format = .mlflow
        description.path = path
        if let failure { description.warnings.append(ModelWarning(failure.warningCode, failure.message, path: path)) }
        let folder = Self.folder(path)
        var candidates: [ModelDescription] = []
        for reference in reader.references {
            note(reference, from: path, "its data in", &description)
            guard let resolved = Self.resolve(reference, in: folder) else { continue }
            candidates += all.descriptions.filter { $0.path == resolved || $0.path.hasPrefix(resolved + "/") }
        }
        if let inner = Self.model(among: candidates) ?? Self.model(among: all.descriptions) {
            description.fill(from: inner)
        }
        merge(all, into: &description)
        if let place = description.files.firstIndex(where: { $0.path == path }) {
            description.files[place].format = .mlflow
        }
        if description.tracking.gitCommit.isEmpty {
            let tag = folder + "tags/mlflow.source.git.commit"
            if has(tag) { description.tracking.gitCommit = try line(tag) }
        }
        let named = (reader.environmentFiles + EnvironmentReader.names).compactMap { Self.resolve($0, in: folder) }
        try readEnvironment(named.filter { has($0) }, &description)
        return description
    }

    private func line(_ path: String) throws -> String {
        do {
            let line = try open(path, size: try files.size(of: path)).line(keeping: 1000)
            return String(decoding: line?.bytes ?? [], as: UTF8.self)
        } catch is FormatError { return "" }
    }

    // MARK: Many files

    struct Examined {
        var descriptions: [ModelDescription] = []
        var leftCount = 0
    }

    private func examineAll() throws -> Examined {
        // Files that are named like models come first, should there be too many.
        let likely = paths.filter { Self.isLikely($0) }
        let order = paths.count <= limits.filesMax ? paths : likely + paths.filter { !Self.isLikely($0) }
        var examined = Examined()
        for path in order.prefix(limits.filesMax) { examined.descriptions.append(try examine(path)) }
        examined.leftCount = max(paths.count - limits.filesMax, 0)
        return examined
    }

    private static func isLikely(_ path: String) -> Bool {
        [
            ".onnx", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".safetensors", ".gguf", ".ubj", ".json", ".txt",
            ".bin",
            ".model", ".xgb", ".lgb", ".keras", ".h5",
        ].contains(suffix(path))
    }

    /// What is the model where there are several: what can be served comes before what only holds weights.
    private static let order: [ModelFormat] = [
        .onnx, .torchScript, .xgboostUBJ, .xgboostJSON, .lightgbmText, .xgboostBinary, .keras, .joblib, .pickle, .gguf,
        .safetensors, .torchStateDict, .torchLegacy, .hdf5,
    ]

    private static func model(among descriptions: [ModelDescription]) -> ModelDescription? {
        for format in order {
            guard var found = descriptions.first(where: { $0.format == format }) else { continue }
            // Large sets of weights come in several files.
            if format == .safetensors {
                for other in descriptions where other.format == format && other.path != found.path {
                    for tensor in other.weights.tensors {
                        found.weights.add(tensor, keeping: found.weights.tensors.count + 1)
                    }
                }
            }
            return found
        }
        return nil
    }

    /// Files, imports and warnings of every file, since a loader may open any of them.
    private func merge(_ all: Examined, into description: inout ModelDescription) {
        description.files = all.descriptions.flatMap(\.files)
        var warnings = description.path.isEmpty || description.format == .mlflow ? description.warnings : []
        for other in all.descriptions { warnings += other.warnings }
        description.mergeImports(all.descriptions.flatMap(\.imports))
        if all.leftCount > 0 {
            warnings.append(ModelWarning(.filesNotExamined, "\(all.leftCount) more files are not looked at", path: ""))
        }
        description.warnings = warnings
    }

    private func readEnvironment(_ paths: [String], _ description: inout ModelDescription) throws {
        var reader = EnvironmentReader(description.environment, limits: limits)
        // The list of its own comes before the copies of it in the other files.
        let order = Set(paths).sorted { Self.rank($0) == Self.rank($1) ? $0 < $1 : Self.rank($0) < Self.rank($1) }
        for path in order {
            do {
                switch Self.name(path) {
                case "requirements.txt": reader.readRequirements(try text(path))
                case "python_env.yaml": try reader.readPython(try text(path))
                default: try reader.readConda(try text(path))
                }
            } catch let error as FormatError {
                description.warnings.append(ModelWarning(error.warningCode, error.message, path: path))
            }
        }
        description.environment = reader.environment
    }

    private static func rank(_ path: String) -> Int {
        ["requirements.txt", "python_env.yaml"].firstIndex(of: name(path)) ?? 2
    }
}

extension ModelDescription {
    /// Takes what another description knows and this one does not.
    mutating func fill(from inner: ModelDescription) {
        func fill(_ value: inout String, _ other: String) { if value.isEmpty { value = other } }
        fill(&framework, inner.framework)
        fill(&frameworkVersion, inner.frameworkVersion)
        fill(&producer, inner.producer)
        fill(&producerVersion, inner.producerVersion)
        fill(&estimator, inner.estimator)
        fill(&objective, inner.objective)
        fill(&formatVersion, inner.formatVersion)
        classCount = classCount ?? inner.classCount
        featureCount = featureCount ?? inner.featureCount
        treeCount = treeCount ?? inner.treeCount
        if features.isEmpty { features = inner.features }
        if inputs.isEmpty { inputs = inner.inputs }
        if outputs.isEmpty { outputs = inner.outputs }
        if opsets.isEmpty { opsets = inner.opsets }
        properties.merge(inner.properties) { own, _ in own }
        if weights.tensorCount == 0 { weights = inner.weights }
    }
}
