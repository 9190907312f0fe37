public import Loop

/// Which model a request is for; without a version its newest ready one.
public struct ModelReference: Sendable, Hashable {
    public var name: String
    public var version: Int64?

    public init(name: String, version: Int64? = nil) {
        self.name = name
        self.version = version
    }
}

/// A request to a model, whatever dialect it came in.
public struct InferenceRequest: Sendable {
    public var model: ModelReference
    public var inputs: [Tensor]
    /// Names of the outputs that are wanted; none means all.
    public var outputs: [String]
    /// When nobody waits any more.
    public var deadline: LoopInstant?
    /// What the caller and the log know the request by.
    public var id: String
    /// Higher is sooner, where the model's queue has levels; 0 is the ordinary one.
    public var priority: Int
    /// For models that look at more than tensors: entry scripts.
    public var circumstances: Circumstances?

    public init(
        model: ModelReference, inputs: [Tensor], outputs: [String] = [], deadline: LoopInstant? = nil, id: String = "",
        priority: Int = 0, circumstances: Circumstances? = nil
    ) {
        self.model = model
        self.inputs = inputs
        self.outputs = outputs
        self.deadline = deadline
        self.id = id
        self.priority = priority
        self.circumstances = circumstances
    }

    /// How a request came.
    public struct Circumstances: Sendable {
        /// Header fields, names in lower case, without those that carry credentials.
        public var headers: [(name: String, value: String)] = []
        public var method = ""
        public var path = ""
        public var mediaType = ""
        public var traceparent = ""
        public var parameters: [String: String] = [:]

        public init() {}
    }
}

/// What a model answered, and what it took.
public struct InferenceAnswer: Sendable {
    public var name: String
    public var version: Int64
    public var outputs: [Tensor]
    public var timing: InferenceTiming

    public init(name: String, version: Int64, outputs: [Tensor], timing: InferenceTiming) {
        self.name = name
        self.version = version
        self.outputs = outputs
        self.timing = timing
    }
}

/// Where a request's time went.
public struct InferenceTiming: Sendable, Equatable {
    /// Between its arrival at the model and the start of its execution.
    public var queue: Duration
    /// The execution, which it may have shared.
    public var compute: Duration
    /// First dimensions of all requests that were executed together.
    public var batchSize: Int
    public var closing: BatchClosing
    /// Whether it was executed on the event loop that read it.
    public var ranInline: Bool

    public init(queue: Duration, compute: Duration, batchSize: Int, closing: BatchClosing, ranInline: Bool) {
        self.queue = queue
        self.compute = compute
        self.batchSize = batchSize
        self.closing = closing
        self.ranInline = ranInline
    }
}

/// Why a batch took no further request.
public enum BatchClosing: String, Sendable {
    /// The model does not batch, or batching is off.
    case single
    /// A preferred size, or the largest, was reached.
    case full
    /// The oldest request had waited as long as it may.
    case delay
    /// A request's deadline would not have held otherwise.
    case deadline
    /// An instance was free and no delay is set.
    case idle
}
