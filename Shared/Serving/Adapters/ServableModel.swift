public import AdapterContracts
public import Loop
public import Protobuf

/// What loads models of some formats: an adapter's library, or in tests something that plays one.
///
/// All functions may block for as long as loading takes; they are called on threads of a pool, several at once.
public protocol ModelFramework: AnyObject, Sendable {
    var adapter: Slipway.Adapter.V1.AdapterDescription { get }

    func recognise(_ request: Slipway.Adapter.V1.LoadRequest) throws(ServingError) -> Slipway.Adapter.V1.Recognition

    func estimate(_ request: Slipway.Adapter.V1.LoadRequest) throws(ServingError) -> Slipway.Adapter.V1.MemoryEstimate

    func load(_ request: Slipway.Adapter.V1.LoadRequest) throws(ServingError) -> any ServableModel
}

/// A model that is loaded; it is unloaded when nobody holds it or an instance of it any more.
public protocol ServableModel: AnyObject, Sendable {
    var description: Slipway.Adapter.V1.ModelDescription { get }

    func makeInstance(_ index: Int) throws(ServingError) -> any ServableInstance

    func metrics() throws(ServingError) -> [Slipway.Adapter.V1.AdapterMetric]
}

/// What executes: one at a time, unless the model's description says that it may be more.
public protocol ServableInstance: AnyObject, Sendable {
    /// Executes on the calling thread, or starts what completes later on a thread of the adapter's.
    ///
    /// `completion` is called exactly once, possibly before this returns. The inputs are held until then.
    /// - Returns: for an execution that is still under way, a handle that says nobody waits for it; nothing if it is done.
    func execute(
        _ execution: ModelExecution, completion: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void
    ) -> (any PendingExecution)?
}

/// An execution under way.
public protocol PendingExecution: AnyObject, Sendable {
    /// Tells the model that nobody waits any more; the completion is still called.
    func cancel()
}

/// What one execution is given: one request, or several joined along the first dimension.
public struct ModelExecution: Sendable {
    public var inputs: [Tensor]
    /// Names of the outputs that are wanted; none means all.
    public var outputs: [String]
    public var requestCount: Int
    public var deadline: LoopInstant?
    /// An encoded `ExecutionContext`; empty where there is nothing to say.
    public var context: Bytes

    public init(
        inputs: [Tensor], outputs: [String] = [], requestCount: Int = 1, deadline: LoopInstant? = nil,
        context: Bytes = []
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.requestCount = requestCount
        self.deadline = deadline
        self.context = context
    }
}
