/// Where and how many requests of a model execute.
public struct ExecutionSettings: Sendable, Equatable {
    public enum Place: String, Sendable, CaseIterable {
        /// On the event loop as long as it is measured to be quick enough, else on the pool.
        case automatic = "auto"
        case inline
        case pool
    }

    public var place = Place.automatic
    /// The longest that an execution on the event loop is expected to take.
    public var inlineLimit = Duration.microseconds(50)
    /// Instances; 0: as many as there are event loops.
    public var instances = 0
    /// Executions at once; 0: one for each instance, and of an instance that takes several as many as the pool has threads.
    public var concurrency = 0
    /// Threads that one execution may use; 0: the adapter's choice.
    public var threads = 0
    /// How long a request may take from its arrival to its answer.
    public var timeout = Duration.seconds(60)
    /// How long a request may wait in the queue; nothing: as long as its time-out lets it.
    public var queueWait: Duration?
    public var batching = BatchPolicy()

    public init() {}
}
