public import AdapterContracts
import Glibc
import Loop
import Protobuf

/// Loads a model in some other place first, in the time that the model has to load, and throws where that shows that it
/// should not be loaded here. Blocks.
public typealias ModelTrial =
    @Sendable (AdapterChoice, Slipway.Adapter.V1.LoadRequest, _ limit: Duration) throws(ServingError) -> Void

/// Loads a version, gives it its instances and has it answer its samples. All of it blocks.
struct VersionLoader: Sendable {
    let adapters: AdapterDirectory
    let trial: ModelTrial?
    let pool: ComputePool
    let home: EventLoop
    let loopCount: Int

    /// - Parameter onWarming: called when the model is loaded and its samples begin.
    func load(
        _ desired: DesiredVersion, onWarming: (_ adapter: String) -> Void
    ) throws(ServingError) -> ServedVersion {
        if let fault = desired.fault { throw fault }
        let execution = desired.configuration.execution
        let instances = execution.instances > 0 ? execution.instances : loopCount
        var request = Slipway.Adapter.V1.LoadRequest()
        request.name = desired.name
        request.version = desired.version
        request.folder = desired.folder
        request.file = desired.file
        request.options = desired.configuration.options
        request.instances = UInt32(min(instances, InstancePool.largest))
        request.threads = UInt32(clamping: execution.threads)
        let choice = try adapters.choose(for: request, named: desired.configuration.adapter)
        if request.file.isEmpty { request.file = choice.recognition.file }
        let samples = try ModelFolder.samples(of: desired)
        try trial?(choice, request, desired.configuration.loadTimeout)
        let model = try choice.framework.load(request)
        let version = try serve(model, desired, choice.framework.adapter.name, instances)
        onWarming(version.adapter)
        try Warmup(version: version, settings: desired.configuration.warmup).run(samples)
        return version
    }

    private func serve(
        _ model: any ServableModel, _ desired: DesiredVersion, _ adapter: String, _ wanted: Int
    ) throws(ServingError) -> ServedVersion {
        let description = model.description
        let settings = desired.configuration.execution
        let isShared = description.concurrentExecutions
        var instances: [any ServableInstance] = []
        for index in 0..<(isShared ? 1 : min(wanted, InstancePool.largest)) {
            instances.append(try model.makeInstance(index))
        }
        let most = isShared ? max(pool.threadCount, loopCount) : instances.count
        let places = settings.concurrency > 0 ? min(settings.concurrency, isShared ? 64 : instances.count) : most
        return ServedVersion(
            name: desired.name, version: desired.version, adapter: adapter, model: model,
            signature: try Signature(description), settings: settings,
            instances: InstancePool(
                instances, places: places, isUnlimited: isShared && settings.concurrency == 0),
            pool: pool, home: home)
    }
}

/// A version's first executions: they prove it, and measure it.
struct Warmup {
    let version: ServedVersion
    let settings: WarmupSettings

    /// Measuring ends after this, however many runs are left.
    private static let measuringNanoseconds: Int64 = 100_000_000
    private static let measuredRuns = 5

    /// - Throws: where a sample fails or is not answered as expected. What was made up may fail.
    func run(_ samples: [Sample]) throws(ServingError) {
        for sample in samples {
            var inputs = sample.inputs
            let weight: Signature.Weight
            do throws(ServingError) {
                weight = try version.signature.check(&inputs, outputs: sample.expected.map(\.name))
            } catch {
                throw ServingError(.unloadable, "sample \(sample.name): \(error.message)")
            }
            for place in 0..<version.instances.places {
                for _ in 0..<max(1, settings.runs) {
                    let outputs: [Tensor]
                    do throws(ServingError) { outputs = try execute(inputs, place).outputs } catch {
                        throw ServingError(.unloadable, "sample \(sample.name) failed: \(error.message)")
                    }
                    if let difference = sample.difference(from: outputs) {
                        throw ServingError(.unloadable, "sample \(sample.name) was answered wrongly: \(difference)")
                    }
                }
                if version.instances.isUnlimited { break }
            }
            try measure(inputs, weight)
        }
        if samples.isEmpty, settings.isGenerated, let inputs = madeUp() { try? measure(inputs.tensors, inputs.weight) }
    }

    private func madeUp() -> (tensors: [Tensor], weight: Signature.Weight)? {
        var tensors = version.signature.madeUp()
        if version.isDocument {
            let text = Array(version.model.description.inputSample.utf8)
            guard !text.isEmpty, let body = version.signature.inputs.first else { return nil }
            var contents: [UInt8] = []
            Element.append(UInt32(clamping: text.count), to: &contents)
            contents += text
            tensors = [Tensor(name: body.name, datatype: .bytes, shape: [1], contents: contents[...])]
        }
        guard !tensors.isEmpty, let weight = try? version.signature.check(&tensors, outputs: []) else { return nil }
        return (tensors, weight)
    }

    private func measure(_ inputs: [Tensor], _ weight: Signature.Weight) throws(ServingError) {
        // The first run pays for what is made only once.
        _ = try execute(inputs, 0)
        var best: Int64 = .max
        let began = version.now
        for _ in 0..<Warmup.measuredRuns {
            best = min(best, try execute(inputs, 0).nanoseconds)
            if version.now.nanoseconds - began.nanoseconds > Warmup.measuringNanoseconds { break }
        }
        version.cost.set(size: weight.size, nanoseconds: best)
    }

    /// How long the calling thread was held: the whole execution, or its beginning where it ends elsewhere.
    private func execute(
        _ inputs: [Tensor], _ place: Int
    ) throws(ServingError) -> (outputs: [Tensor], nanoseconds: Int64) {
        let done = Condition<Result<[Tensor], ServingError>?>(nil)
        let began = version.now
        let pending = version.instances[place].execute(ModelExecution(inputs: inputs)) { result in
            done.change { $0 = result }
        }
        let nanoseconds = version.now.nanoseconds - began.nanoseconds
        if pending != nil { version.isAsynchronous.store(true, ordering: .relaxed) }
        let limit = version.settings.timeout
        guard let result = done.wait(atMost: limit, { $0 }) else {
            pending?.cancel()
            throw ServingError(.deadlineExceeded, "no answer came within \(limit)")
        }
        return (try result.get(), nanoseconds)
    }
}
