import Loop
import Synchronization

/// A request that waits for its model: in the queue, or for an execution under way.
///
/// Whoever settles it first decides its answer: the execution, its time-out, or its caller's cancellation.
final class InferenceCall: @unchecked Sendable {
    private enum Stage {
        static let new = 0
        static let waiting = 1
        static let settled = 2
    }

    let inputs: [Tensor]
    let outputs: [String]
    let weight: Signature.Weight
    let priority: Int
    let deadline: LoopInstant?
    let arrived: LoopInstant
    let context: @Sendable () -> [UInt8]
    /// Set under the queue's lock when it enters the queue.
    var id = 0
    /// What executes it, told when nobody waits any more. Set before the execution begins, and under a lock because the
    /// caller may give up at that very moment.
    private let execution = Lock<(run: Execution?, isAbandoned: Bool)>((nil, false))
    private let stage = Atomic<Int>(Stage.new)
    /// Written before `waiting` is entered, taken by whoever settles.
    private var continuation: UnsafeContinuation<Result<InferenceAnswer, ServingError>, Never>?

    init(
        inputs: [Tensor], outputs: [String], weight: Signature.Weight, priority: Int, deadline: LoopInstant?,
        arrived: LoopInstant, context: @escaping @Sendable () -> [UInt8]
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.weight = weight
        self.priority = priority
        self.deadline = deadline
        self.arrived = arrived
        self.context = context
    }

    var isSettled: Bool { stage.load(ordering: .acquiring) == Stage.settled }

    /// - Returns: false where it was settled before it began; then `continuation` was resumed.
    func begin(_ continuation: UnsafeContinuation<Result<InferenceAnswer, ServingError>, Never>) -> Bool {
        self.continuation = continuation
        let (began, _) = stage.compareExchange(
            expected: Stage.new, desired: Stage.waiting, ordering: .acquiringAndReleasing)
        if !began { continuation.resume(returning: .failure(InferenceCall.cancelled)) }
        return began
    }

    /// - Returns: whether this was the first word.
    @discardableResult
    func settle(_ result: Result<InferenceAnswer, ServingError>) -> Bool {
        let old = stage.exchange(Stage.settled, ordering: .acquiringAndReleasing)
        guard old != Stage.settled else { return false }
        if old == Stage.waiting {
            continuation?.resume(returning: result)
            continuation = nil
        }
        return true
    }

    /// Settles it with an error because nobody waits any more, and lets its execution know.
    func abandon(_ error: ServingError) -> Bool {
        guard settle(.failure(error)) else { return false }
        let run = execution.withLock { execution in
            execution.isAbandoned = true
            defer { execution.run = nil }
            return execution.run
        }
        run?.abandoned()
        return true
    }

    /// - Returns: false where nobody waits for it any more.
    func joins(_ run: Execution) -> Bool {
        execution.withLock { execution in
            if !execution.isAbandoned { execution.run = run }
            return !execution.isAbandoned
        }
    }

    /// The execution is over; it and its calls would hold each other for good.
    func leaves(_ run: Execution) { execution.withLock { if $0.run === run { $0.run = nil } } }

    static let cancelled = ServingError(.cancelled, "the caller gave up")
}
