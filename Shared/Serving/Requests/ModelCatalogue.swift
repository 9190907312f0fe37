/// Where a version of a model stands.
public enum VersionState: String, Sendable, CaseIterable {
    /// Known, and waiting for its turn to load.
    case new
    case loading
    /// Loaded, and answering the samples that it has to answer before callers come.
    case warming
    case ready
    /// Takes no new requests; some are under way.
    case quiescing
    case unloading
    /// It was unloaded.
    case gone
    /// It could not be loaded, or failed its samples; `reason` says why.
    case failed
}

/// A version of a model as listings show it, also when it failed.
public struct VersionStatus: Sendable, Equatable {
    public var name: String
    public var version: Int64
    public var state: VersionState
    /// Of a failed one: why.
    public var reason: String
    /// The adapter that loads it, where known.
    public var adapter: String

    public init(name: String, version: Int64, state: VersionState, reason: String = "", adapter: String = "") {
        self.name = name
        self.version = version
        self.state = state
        self.reason = reason
        self.adapter = adapter
    }
}

/// What a loaded version is: its signature and how it is executed.
public struct ModelSummary: Sendable {
    public enum Interface: Sendable, Equatable {
        case tensors
        /// One document in, one out; see `ModelInterface` of the adapter's messages.
        case document
    }

    public var name: String
    public var version: Int64
    /// All versions that are ready, oldest first.
    public var versions: [Int64]
    public var adapter: String
    /// The model's format, as the registry names it: `onnx`.
    public var format: String
    public var interface: Interface
    public var inputs: [TensorSpecification]
    public var outputs: [TensorSpecification]
    /// Whether the first dimension of all tensors is a batch, and the largest that is taken (0: no limit).
    public var batches: Bool
    public var largestBatch: Int
    /// What else a person wants to know, with the choice between inline and pool and its measurement.
    public var facts: [(name: String, value: String)]
    /// JSON texts of a document model; empty where it says none.
    public var inputSchema = ""
    public var outputSchema = ""
    public var inputSample = ""
    public var outputSample = ""
    public var outputMediaType = "application/json"

    public init(
        name: String, version: Int64, versions: [Int64], adapter: String, format: String, interface: Interface,
        inputs: [TensorSpecification], outputs: [TensorSpecification], batches: Bool, largestBatch: Int,
        facts: [(name: String, value: String)] = []
    ) {
        self.name = name
        self.version = version
        self.versions = versions
        self.adapter = adapter
        self.format = format
        self.interface = interface
        self.inputs = inputs
        self.outputs = outputs
        self.batches = batches
        self.largestBatch = largestBatch
        self.facts = facts
    }
}

/// Counts and times of a version since it was loaded.
public struct ModelStatistics: Sendable, Equatable {
    public struct Sum: Sendable, Equatable {
        public var count: UInt64 = 0
        public var nanoseconds: UInt64 = 0

        public init() {}
    }

    public var name: String
    public var version: Int64
    /// When the last request came, in milliseconds since 1970; 0 for never.
    public var lastInferenceMilliseconds: UInt64 = 0
    /// Rows that were answered: a request with a batch of 8 counts 8.
    public var inferences: UInt64 = 0
    /// Executions: requests that were joined count once.
    public var executions: UInt64 = 0
    public var success = Sum()
    public var failure = Sum()
    public var queue = Sum()
    public var input = Sum()
    public var compute = Sum()
    public var output = Sum()
    public var cancelled = Sum()
    /// By batch size, smallest first.
    public var batches: [(size: Int, compute: Sum)] = []

    public init(name: String, version: Int64) {
        self.name = name
        self.version = version
    }

    public static func == (left: ModelStatistics, right: ModelStatistics) -> Bool {
        left.name == right.name && left.version == right.version && left.inferences == right.inferences
            && left.executions == right.executions && left.success == right.success && left.failure == right.failure
            && left.batches.elementsEqual(right.batches) { $0.size == $1.size && $0.compute == $1.compute }
    }
}
