import AdapterContracts
import Glibc
import Loop
import Serving

/// What the serving core adds to a model: an execution that does nothing, asked for on its loop again and again.
@main
struct BenchServing {
    static func main() async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let pool = ComputePool(threads: 1)
        let files = ComputePool(threads: 1)
        try pool.start()
        try files.start()
        let found = FoundAdapter(name: "nothing", path: "", framework: .success(NothingFramework()))
        let source = OneModel()
        let manager = ModelManager(
            source: source, adapters: AdapterDirectory(adapters: [found]), loops: loops.loops, pool: pool, files: files)
        try await manager.refresh()
        await manager.settle()
        let contents = [UInt8](repeating: 0, count: 40)[...]
        let input = Tensor(name: "x", datatype: .fp32, shape: [1, 10], contents: contents)
        let count = 1_000_000
        for _ in 0..<3 {
            let clock = MonotonicClock()
            let nanoseconds = try await Task(executorPreference: loops.loops[0]) {
                let began = clock.now
                for _ in 0..<count {
                    let request = InferenceRequest(model: ModelReference(name: "m"), inputs: [input])
                    let answer = try await manager.infer(request)
                    guard answer.timing.ranInline else { throw ServingError(.faulty, "it left the loop") }
                }
                return clock.now.nanoseconds - began.nanoseconds
            }.value
            say("\(nanoseconds / Int64(count)) ns for a request of an inline model")
        }
    }

    private static func say(_ line: String) { puts(line) }
}

private struct OneModel: ModelSource {
    var interval: Duration? { nil }
    func scan() throws(ServingError) -> [DesiredVersion] {
        [DesiredVersion(name: "m", version: 1, folder: "/nowhere")]
    }
}

private final class NothingFramework: ModelFramework {
    let adapter = Slipway.Adapter.V1.AdapterDescription(name: "nothing")
    func recognise(_ request: Slipway.Adapter.V1.LoadRequest) -> Slipway.Adapter.V1.Recognition { .init(certainty: 1) }
    func estimate(_ request: Slipway.Adapter.V1.LoadRequest) -> Slipway.Adapter.V1.MemoryEstimate { .init() }
    func load(_ request: Slipway.Adapter.V1.LoadRequest) -> any ServableModel { NothingModel() }
}

private final class NothingModel: ServableModel, ServableInstance {
    let description: Slipway.Adapter.V1.ModelDescription = {
        var description = Slipway.Adapter.V1.ModelDescription()
        description.inputs = [.init(name: "x", datatype: .fp32, shape: [-1, 10])]
        description.outputs = [.init(name: "y", datatype: .fp32, shape: [-1, 10])]
        description.batches = true
        description.concurrentExecutions = true
        return description
    }()

    func makeInstance(_ index: Int) -> any ServableInstance { self }
    func metrics() -> [Slipway.Adapter.V1.AdapterMetric] { [] }

    func execute(
        _ execution: ModelExecution, completion: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void
    ) -> (any PendingExecution)? {
        var output = execution.inputs[0]
        output.name = "y"
        completion(.success([output]))
        return nil
    }
}
