internal import YAML

/// Reads the facts of an `MLmodel` file.
struct MLmodelReader {
    private(set) var description = ModelDescription()
    /// Paths of what the flavours load, relative to the folder.
    private(set) var references: [String] = []
    private(set) var environmentFiles: [String] = []
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    /// Values of a flavour that name a file or a folder to load.
    private static let referenceKeys: Set<String> = [
        "data", "pickled_model", "model_data", "model_file", "model_path", "python_model", "saved_model_dir",
        "model_binary",
    ]

    mutating func read(_ document: YAMLValue) throws {
        guard case .map = document else { throw FormatError(.malformed, "an MLmodel file is no map") }
        description.format = .mlflow
        for entry in document["flavors"].entries.prefix(100) { flavour(entry.name, entry.value) }
        description.tracking.runID = document["run_id"].text
        description.tracking.modelUUID = document["model_uuid"].text
        description.tracking.createdUTC = document["utc_time_created"].text
        description.tracking.mlflowVersion = document["mlflow_version"].text
        description.tracking.inputExamplePath = document["saved_input_example_info"]["artifact_path"].text
        for place in [document, document["metadata"], document["tags"]] {
            if description.tracking.gitCommit.isEmpty {
                description.tracking.gitCommit = place["mlflow.source.git.commit"].text
            }
            if description.tracking.gitRepository.isEmpty {
                description.tracking.gitRepository = place["mlflow.source.git.repoURL"].text
            }
        }
        for entry in document["metadata"].entries.prefix(100) where !entry.value.text.isEmpty {
            description.properties[entry.name] = entry.value.text
        }
        chooseFramework()
        try signature(document["signature"])
    }

    private mutating func flavour(_ name: String, _ value: YAMLValue) {
        var flavour = ModelFlavour(name)
        for entry in value.entries.prefix(100) {
            if !entry.value.text.isEmpty { flavour.properties[entry.name] = entry.value.text }
            if Self.referenceKeys.contains(entry.name), !entry.value.text.isEmpty {
                references.append(entry.value.text)
            }
            if entry.name == "artifacts" {
                references += entry.value.entries.prefix(100).map { $0.value["path"].text }.filter { !$0.isEmpty }
            }
        }
        let versions = flavour.properties.keys.filter { $0.hasSuffix("_version") && $0 != "python_version" }.sorted()
        let key = versions.first { $0 == "\(name)_version" } ?? versions.first
        flavour.version = key.flatMap { flavour.properties[$0] } ?? ""
        if let python = flavour.properties["python_version"], description.environment.pythonVersion.isEmpty {
            description.environment.pythonVersion = python
        }
        switch value["env"] {
        case .text(let path, _): environmentFiles.append(path)
        case let environment:
            environmentFiles += environment.entries.prefix(10).map(\.value.text).filter { !$0.isEmpty }
        }
        description.flavours.append(flavour)
    }

    /// The flavour that is not the general one says which library made the model.
    private mutating func chooseFramework() {
        let special = description.flavours.first { $0.name != "python_function" } ?? description.flavours.first
        guard let special else { return }
        description.framework = special.name == "pytorch" ? "torch" : special.name
        description.frameworkVersion = special.version
    }

    // MARK: The signature

    private mutating func signature(_ signature: YAMLValue) throws {
        description.inputs = try tensors(signature["inputs"].text, "inputs")
        description.outputs = try tensors(signature["outputs"].text, "outputs")
    }

    /// The signature is JSON in a text: a list of columns or of tensors.
    private func tensors(_ text: String, _ what: String) throws -> [ModelTensor] {
        guard !text.isEmpty else { return [] }
        let json = JSONScanner(ByteCursor(Array(text.utf8)), limits: limits)
        var tensors: [ModelTensor] = []
        do {
            _ = try json.list {
                let tensor = try tensor(json)
                if tensors.count < limits.listCountMax { tensors.append(tensor) }
            }
            try json.end()
        } catch let error as FormatError {
            throw FormatError(error.code, "the signature's \(what): \(error.message)")
        }
        return tensors
    }

    private func tensor(_ json: JSONScanner) throws -> ModelTensor {
        // A column is one value for each row.
        var tensor = ModelTensor("", "", shape: [-1])
        _ = try json.object { member in
            switch member {
            case "name": tensor.name = try json.text()
            case "type": tensor.declaredType = try json.text()
            case "required": tensor.isRequired = try json.scalar() != .bool(false)
            case "optional": if try json.scalar() == .bool(true) { tensor.isRequired = false }
            case "tensor-spec":
                _ = try json.object { fact in
                    switch fact {
                    case "dtype": tensor.declaredType = try json.text()
                    case "shape": tensor.shape = try json.scalars(64).compactMap(\.integer).map { ModelDimension($0) }
                    default: try json.skip()
                    }
                }
            default: try json.skip()
            }
        }
        tensor.elementType = ElementType.openInference(tensor.declaredType)
        return tensor
    }
}
