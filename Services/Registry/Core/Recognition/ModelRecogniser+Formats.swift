public import Blobs
public import Loop
import Contracts
import ModelFormats

extension ModelRecogniser {
    /// Reads what files say of themselves, without executing anything of them.
    /// - Parameter pool: threads of its own: reading waits for the store, and must not take the threads that it waits for.
    public static func formats(in store: any BlobStore, on pool: ComputePool) -> ModelRecogniser {
        ModelRecogniser(generation: 2) { files in
            try await pool.run {
                let view = BlobModelFiles(files, in: store)
                return Slipway.Models.V1.ModelVersion(try ModelRecognizer.recognise(view)).bounded()
            }
        }
    }
}

extension Slipway.Models.V1.ModelVersion {
    /// What a description says in the words of the contract.
    init(_ description: ModelDescription) {
        self.init()
        format = Slipway.Models.V1.ModelFormat(description)
        var signature = Slipway.Models.V1.Signature()
        signature.inputs = description.inputs.map { .init($0) }
        signature.outputs = description.outputs.map { .init($0) }
        signature.features = description.features.map(\.name)
        self.signature = signature
        var origin = Slipway.Models.V1.Origin(run: description.tracking.runID)
        if !description.tracking.gitCommit.isEmpty || !description.tracking.gitRepository.isEmpty {
            origin.git = .init(
                repository: RepositoryAddress.withoutCredentials(description.tracking.gitRepository),
                commit: description.tracking.gitCommit)
        }
        self.origin = origin
        warnings = description.warnings.map { .init(code: $0.code.rawValue, message: $0.message, path: $0.path) }
        warnings += Slipway.Models.V1.Warning.imports(of: description)
    }
}

extension Slipway.Models.V1.ModelFormat {
    fileprivate init(_ description: ModelDescription) {
        var details = description.properties
        func add(_ name: String, _ value: String) { if !value.isEmpty { details[name] = value } }
        add("producer", description.producer)
        add("producer_version", description.producerVersion)
        add("estimator", description.estimator)
        add("objective", description.objective)
        add("format_version", description.formatVersion)
        add("python_version", description.environment.pythonVersion)
        add("mlflow_version", description.tracking.mlflowVersion)
        add("model_uuid", description.tracking.modelUUID)
        if let count = description.classCount { add("class_count", "\(count)") }
        if let count = description.featureCount { add("feature_count", "\(count)") }
        if let count = description.treeCount { add("tree_count", "\(count)") }
        if description.weights.tensorCount > 0 {
            add("tensor_count", "\(description.weights.tensorCount)")
            add("parameter_count", "\(description.weights.parameterCount)")
        }
        for (domain, version) in description.opsets { add("opset.\(domain)", "\(version)") }
        if !description.environment.requirements.isEmpty {
            add("requirements", description.environment.requirements.joined(separator: "\n"))
        }
        self.init(
            name: description.format.rawValue, framework: description.framework,
            frameworkVersion: description.frameworkVersion,
            flavors: Dictionary(description.flavours.map { ($0.name, $0.version) }) { first, _ in first },
            mainPath: description.path, details: details)
    }
}

extension Slipway.Models.V1.TensorDescription {
    fileprivate init(_ tensor: ModelTensor) {
        self.init(
            name: tensor.name, datatype: tensor.elementType.isEmpty ? tensor.declaredType : tensor.elementType,
            shape: tensor.shape.map { Int64($0.size) }, optional: !tensor.isRequired)
    }
}

extension Slipway.Models.V1.Warning {
    /// What loading its pickles would import; what is dangerous of it has warnings of its own.
    fileprivate static func imports(of description: ModelDescription) -> [Slipway.Models.V1.Warning] {
        guard !description.imports.isEmpty else { return [] }
        return [
            Slipway.Models.V1.Warning(
                code: "pickle.imports", message: "loading it would import these", path: description.path,
                items: description.imports.map { "\($0.module).\($0.name)" })
        ]
    }
}
