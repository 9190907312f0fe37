import AdapterContracts
import Glibc
import Loop
import Protobuf
import Serving
import Synchronization

/// A framework whose models multiply a matrix of floats by a number. Options say how each behaves.
///
/// - `factor`: what is multiplied by; also in a second output `factor`, one for each row.
/// - `burn_us`: how long an execution holds its thread.
/// - `fail`: what loading fails with. `poison`: an input value that fails an execution.
/// - `later`: executions end on another thread. `hold`: executions wait until the test lets them go.
/// - `shared`: one instance executes several at once. `single`: no batches. `free`: any number of columns.
final class FakeFramework: ModelFramework {
    let adapter: Slipway.Adapter.V1.AdapterDescription = .init(name: "fake", formats: ["fake"])
    let gate = Gate()
    let loaded = Atomic<Int>(0)
    let mostLoaded = Atomic<Int>(0)
    let loads = Atomic<Int>(0)
    let executions = Lock<[[Int]]>([])

    func recognise(_ request: Slipway.Adapter.V1.LoadRequest) -> Slipway.Adapter.V1.Recognition {
        .init(certainty: 50, format: "fake")
    }
    func estimate(_ request: Slipway.Adapter.V1.LoadRequest) -> Slipway.Adapter.V1.MemoryEstimate { .init() }

    func load(_ request: Slipway.Adapter.V1.LoadRequest) throws(ServingError) -> any ServableModel {
        loads.add(1, ordering: .relaxed)
        if let reason = request.options["fail"] { throw ServingError(.unloadable, reason) }
        if request.options["hang"] != nil { gate.pass() }
        return FakeModel(self, request.options)
    }

    func began(_ shape: [Int]) { executions.withLock { $0.append(shape) } }
}

/// Lets threads through once it is opened.
final class Gate: Sendable {
    private let state = Condition((isOpen: false, waiting: 0))

    func open() { state.change(wakingAll: true) { $0.isOpen = true } }
    func close() { state.withLock { $0.isOpen = false } }

    func pass() {
        state.change(wakingAll: true) { $0.waiting += 1 }
        state.wait { $0.isOpen ? () : nil }
        state.change(wakingAll: true) { $0.waiting -= 1 }
    }

    /// Waits until so many threads stand before it, without holding one of those that tests share.
    func waitForWaiting(_ count: Int) async {
        while state.withLock({ $0.waiting }) < count { await Task.yield() }
    }
}

final class FakeModel: ServableModel {
    let framework: FakeFramework
    let options: [String: String]
    let description: Slipway.Adapter.V1.ModelDescription

    init(_ framework: FakeFramework, _ options: [String: String]) {
        self.framework = framework
        self.options = options
        let columns: Int64 = options["free"] == nil ? 2 : -1
        var description = Slipway.Adapter.V1.ModelDescription()
        description.format = "fake"
        description.inputs = [.init(name: "x", datatype: .fp32, shape: [-1, columns])]
        description.outputs = [
            .init(name: "y", datatype: .fp32, shape: [-1, columns]),
            .init(name: "factor", datatype: .bytes, shape: [-1]),
        ]
        description.batches = options["single"] == nil
        description.concurrentExecutions = options["shared"] != nil
        self.description = description
        let count = framework.loaded.add(1, ordering: .relaxed).newValue
        _ = framework.mostLoaded.max(count, ordering: .relaxed)
    }

    deinit { framework.loaded.subtract(1, ordering: .relaxed) }

    func makeInstance(_ index: Int) -> any ServableInstance { FakeInstance(self) }
    func metrics() -> [Slipway.Adapter.V1.AdapterMetric] { [] }
}

final class FakeInstance: ServableInstance, @unchecked Sendable {
    private let model: FakeModel
    private let factor: Float
    private let burn: Int64
    private let busy = Atomic<Int>(0)

    init(_ model: FakeModel) {
        self.model = model
        factor = model.options["factor"].flatMap { Float($0) } ?? 1
        burn = (model.options["burn_us"].flatMap { Int64($0) } ?? 0) * 1000
    }

    final class Pending: PendingExecution {
        let cancelled = Atomic<Bool>(false)
        func cancel() { cancelled.store(true, ordering: .relaxed) }
    }

    func execute(
        _ execution: ModelExecution, completion: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void
    ) -> (any PendingExecution)? {
        let number = busy.add(1, ordering: .acquiringAndReleasing).newValue
        guard number == 1 || model.options["shared"] != nil else {
            busy.subtract(1, ordering: .relaxed)
            completion(.failure(ServingError(.faulty, "two executions met in one instance")))
            return nil
        }
        model.framework.began(execution.inputs.first?.shape ?? [])
        if model.options["later"] != nil {
            let pending = Pending()
            let thread = try? startThread(named: "fake") { [self] in
                let result = answer(execution)
                busy.subtract(1, ordering: .acquiringAndReleasing)
                completion(
                    pending.cancelled.load(ordering: .relaxed) ? .failure(.init(.cancelled, "cancelled")) : result)
            }
            if let thread { pthread_detach(thread) }
            return pending
        }
        let result = answer(execution)
        busy.subtract(1, ordering: .acquiringAndReleasing)
        completion(result)
        return nil
    }

    private func answer(_ execution: ModelExecution) -> Result<[Tensor], ServingError> {
        if model.options["hold"] != nil { model.framework.gate.pass() }
        if burn > 0 {
            let clock = MonotonicClock()
            let end = clock.now.nanoseconds + burn
            while clock.now.nanoseconds < end {}
        }
        let input = execution.inputs[0]
        let numbers = input.floats
        if let poison = model.options["poison"].flatMap({ Float($0) }), numbers.contains(poison) {
            return .failure(ServingError(.modelFailed, "poisoned by \(poison)"))
        }
        var y = Tensor.floats("y", input.shape, numbers.map { $0 * factor })
        y.name = "y"
        let rows = input.shape.first ?? 0
        return .success([y, .texts("factor", Array(repeating: "\(factor)", count: rows))])
    }
}

extension Tensor {
    static func floats(_ name: String, _ shape: [Int], _ numbers: [Float]) -> Tensor {
        let bytes = numbers.withUnsafeBytes { Array($0) }
        return Tensor(name: name, datatype: .fp32, shape: shape, contents: bytes[...])
    }

    static func texts(_ name: String, _ texts: [String]) -> Tensor {
        var bytes: [UInt8] = []
        for text in texts {
            let utf8 = Array(text.utf8)
            withUnsafeBytes(of: UInt32(utf8.count).littleEndian) { bytes += $0 }
            bytes += utf8
        }
        return Tensor(name: name, datatype: .bytes, shape: [texts.count], contents: bytes[...])
    }

    var texts: [String] {
        var rest = contents
        var found: [String] = []
        while rest.count >= 4 {
            let length = Int(rest.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
            found.append(String(decoding: rest.dropFirst(4).prefix(length), as: UTF8.self))
            rest = rest.dropFirst(4 + length)
        }
        return found
    }
}
