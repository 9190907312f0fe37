/// What the files of a model say about it.
///
/// Everything in it was written by whoever made the files: bounded in size, and otherwise unchecked.
public struct ModelDescription: Hashable, Sendable {
    public var format: ModelFormat = .unknown
    /// The file that was read, or the description file of a folder; empty when none was recognised.
    public var path = ""
    /// The library the model belongs to, as Python names it (`sklearn`, `xgboost`), and the version that wrote it.
    public var framework = ""
    public var frameworkVersion = ""
    /// What wrote the file, where the format has a field for it.
    public var producer = ""
    public var producerVersion = ""
    /// The class of the outermost object, as `sklearn.pipeline.Pipeline`.
    public var estimator = ""
    public var objective = ""
    /// How many classes a classifier tells apart; nil where the file does not say.
    public var classCount: Int?
    /// How many features it takes; nil where the file does not say.
    public var featureCount: Int?
    public var treeCount: Int?
    public var features: [ModelFeature] = []
    public var inputs: [ModelTensor] = []
    public var outputs: [ModelTensor] = []
    public var flavours: [ModelFlavour] = []
    /// Versions of the operator sets by domain, the default domain being `ai.onnx`.
    public var opsets: [String: Int] = [:]
    /// The version of the file format itself, as the file writes it.
    public var formatVersion = ""
    /// Free facts that the file carries, as `metadata_props` of ONNX and `__metadata__` of safetensors.
    public var properties: [String: String] = [:]
    /// The weights, where they can be listed without reading them.
    public var weights = ModelWeights()
    public var tracking = ModelTracking()
    public var environment = ModelEnvironment()
    /// What loading its pickles would import, in the order of first use.
    public var imports: [PickleImport] = []
    /// Every file that was looked at, with what it is.
    public var files: [ModelFile] = []
    public var warnings: [ModelWarning] = []

    public init() {}
}

/// One file of a model.
public struct ModelFile: Hashable, Sendable {
    public var path: String
    public var format: ModelFormat
    public var size: Int

    public init(path: String, format: ModelFormat, size: Int) {
        self.path = path
        self.format = format
        self.size = size
    }
}

/// A feature of a tree model; the type is empty where the file does not give one.
public struct ModelFeature: Hashable, Sendable {
    public var name: String
    public var type: String

    public init(_ name: String, type: String = "") {
        self.name = name
        self.type = type
    }
}

/// A way to load a model, as MLflow calls it.
public struct ModelFlavour: Hashable, Sendable {
    public var name: String
    public var version: String
    /// The other plain values of the flavour.
    public var properties: [String: String]

    public init(_ name: String, version: String = "", properties: [String: String] = [:]) {
        self.name = name
        self.version = version
        self.properties = properties
    }
}

/// Where a model comes from, as far as its folder says.
public struct ModelTracking: Hashable, Sendable {
    public var runID = ""
    public var modelUUID = ""
    /// The time as it is written in the file, in UTC.
    public var createdUTC = ""
    public var mlflowVersion = ""
    public var gitCommit = ""
    public var gitRepository = ""
    /// The path of a sample input inside the model.
    public var inputExamplePath = ""

    public init() {}
}

/// What a model wants around it.
public struct ModelEnvironment: Hashable, Sendable {
    public var pythonVersion = ""
    /// Lines of `requirements.txt`, or of the pip lists of the environment files.
    public var requirements: [String] = []
    public var buildRequirements: [String] = []
    public var condaChannels: [String] = []
    public var condaDependencies: [String] = []

    public init() {}
}
