import Loop
import Synchronization

/// A version that is loaded, and its queue. Requests enter `uses` before they infer and leave it after.
final class ServedVersion: Sendable {
    struct Queue: Sendable {
        var waiting: BatchQueue<JoinedBatch.Key>
        var calls: [Int: InferenceCall] = [:]
        var lastID = 0
        /// When a timer asks again.
        var armed: LoopInstant?
    }

    let name: String
    let version: Int64
    let adapter: String
    let model: any ServableModel
    let signature: Signature
    let settings: ExecutionSettings
    let instances: InstancePool
    let pool: ComputePool
    /// Keeps the time of calls that come from no loop.
    let home: EventLoop
    let uses = UseCount()
    let cost = CostEstimate()
    let statistics = StatisticsCells()
    let queue: Lock<Queue>
    /// How many are in the queue, for whoever only wants to know whether any is.
    let waitingCount = Atomic<Int>(0)
    /// Whether executions end on threads of the adapter's.
    let isAsynchronous = Atomic<Bool>(false)
    let inlineLimitNanoseconds: Int
    let isDocument: Bool

    init(
        name: String, version: Int64, adapter: String, model: any ServableModel, signature: Signature,
        settings: ExecutionSettings, instances: InstancePool, pool: ComputePool, home: EventLoop
    ) {
        self.name = name
        self.version = version
        self.adapter = adapter
        self.model = model
        self.signature = signature
        self.settings = settings
        self.instances = instances
        self.pool = pool
        self.home = home
        isDocument = model.description.interface == .document
        inlineLimitNanoseconds =
            switch settings.place {
            case .automatic: Int(clamping: settings.inlineLimit.wholeNanoseconds)
            case .inline: .max
            case .pool: -1
            }
        var batching = settings.batching
        if !signature.batches { batching.joins = false }
        if signature.largestBatch > 0 { batching.largest = min(batching.largest, signature.largestBatch) }
        batching.preferred = batching.preferred.filter { $0 <= batching.largest }.sorted()
        queue = Lock(Queue(waiting: BatchQueue(batching)))
    }

    var now: LoopInstant { home.clock.now }

    /// Whether a request of this size is executed on the loop that reads it.
    @inline(__always)
    func isInline(size: Int) -> Bool {
        guard inlineLimitNanoseconds != .max else { return true }
        guard inlineLimitNanoseconds >= 0, let cost = cost.nanoseconds(size: size) else { return false }
        return cost <= inlineLimitNanoseconds
    }

    /// The answer with the outputs that were asked for, in that order.
    func answer(
        _ outputs: [Tensor], wanted: [String], _ timing: InferenceTiming
    ) throws(ServingError) -> InferenceAnswer {
        let names = wanted.isEmpty ? signature.outputs.count : wanted.count
        var isInOrder = outputs.count == names
        if isInOrder {
            for index in 0..<names {
                let name = wanted.isEmpty ? signature.outputs[index].name : wanted[index]
                if outputs[index].name != name { isInOrder = false }
            }
        }
        if isInOrder || (wanted.isEmpty && signature.outputs.isEmpty) {
            return InferenceAnswer(name: name, version: version, outputs: outputs, timing: timing)
        }
        var ordered: [Tensor] = []
        for name in wanted.isEmpty ? signature.outputs.map(\.name) : wanted {
            if let output = outputs.first(where: { $0.name == name }) {
                ordered.append(output)
            } else if !wanted.isEmpty {
                throw ServingError(.modelFailed, "the model gave no output '\(name)', which it says it has")
            }
        }
        // What a model gives beside what it describes: a document model's status and header fields.
        if wanted.isEmpty {
            for output in outputs where !signature.outputs.contains(where: { $0.name == output.name }) {
                ordered.append(output)
            }
        }
        return InferenceAnswer(name: name, version: version, outputs: ordered, timing: timing)
    }
}
