import AdapterContracts
import Glibc
import Loop
import Protobuf
import Serving

/// The adapter and the model that are checked, as one process sees them.
final class Subject: @unchecked Sendable {
    let options: Options
    private var opened: AdapterLibrary?
    /// Of the model that is checked, for checks that make requests wrong.
    var described: [Slipway.Adapter.V1.TensorDescription] = []
    private let log = Lock<[String]>([])

    init(_ options: Options) { self.options = options }

    var adapterOptions: Slipway.Adapter.V1.AdapterOptions {
        .init(library: options.frameworkLibrary, options: options.adapterOptions)
    }

    var request: Slipway.Adapter.V1.LoadRequest {
        .init(
            name: "checked", version: 1, folder: options.model, file: options.file, options: options.modelOptions,
            instances: 4, threads: 1)
    }

    /// The adapter, opened once in this process.
    func library() throws(Finding) -> AdapterLibrary {
        if let opened { return opened }
        let library = try finding("the adapter does not open") { () throws(ServingError) in
            var limits = AdapterLimits()
            limits.outputFilling = 0xa5
            return try AdapterLibrary(path: options.library, options: adapterOptions, limits: limits) { _, line in
                self.log.withLock { $0.append(line) }
            }
        }
        opened = library
        return library
    }

    func folder() throws(Finding) -> Folder { try Folder(in: options.scratch) }

    func close() { opened = nil }

    func model() throws(Finding) -> any ServableModel {
        let library = try library()
        return try finding("the model does not load") { () throws(ServingError) in try library.load(request) }
    }

    func instance(of model: any ServableModel, _ index: Int = 0) throws(Finding) -> any ServableInstance {
        try finding("no instance can be made") { () throws(ServingError) in try model.makeInstance(index) }
    }

    /// What the host noticed until now.
    var faults: [String] {
        guard let opened else { return [] }
        let held = opened.statusesHeld
        return opened.faults
            + (held > 0 ? ["it made \(held) statuses that it neither returned nor completed with"] : [])
    }

    /// A request that the model should answer: the one given, or one made from the description.
    func inputs(for model: any ServableModel, rows: Int = 1, seed: UInt64 = 0) throws(Finding) -> [Tensor] {
        let description = model.description
        if description.interface == .document { return [try document(description)] }
        if !options.input.isEmpty {
            let given = try givenInputs()
            return rows == 1 || !description.batches
                ? given
                : try given.map { tensor throws(Finding) in
                    guard let repeated = tensor.repeated(rows) else {
                        throw Finding("input \"\(tensor.name)\" of --input has no first dimension to batch along")
                    }
                    return repeated
                }
        }
        var maker = InputMaker(seed: options.seed &* 1_000_003 &+ seed)
        return description.inputs.filter { !$0.mayBeAbsent }.map {
            maker.make($0, rows: description.batches ? rows : 1)
        }
    }

    private func givenInputs() throws(Finding) -> [Tensor] {
        let text = try Files.read(options.input)
        return try finding("--input") { () throws(ServingError) in
            try Sample(name: options.input, json: text[...]).inputs
        }
    }

    private func document(_ description: Slipway.Adapter.V1.ModelDescription) throws(Finding) -> Tensor {
        let text: [UInt8]
        if !options.input.isEmpty {
            text = try Files.read(options.input)
        } else if !description.inputSample.isEmpty {
            text = Array(description.inputSample.utf8)
        } else {
            throw Finding("the model takes a document and describes no sample of one: give one with --input")
        }
        let length = UInt32(text.count).littleEndian
        let contents = withUnsafeBytes(of: length) { Array($0) } + text
        return Tensor(name: "body", datatype: .bytes, shape: [1], contents: contents[...])
    }

    /// Executes and waits; an adapter that does not complete is a finding rather than a hang.
    func answer(
        _ instance: any ServableInstance, _ inputs: [Tensor], outputs: [String] = [], requestCount: Int = 1
    ) throws(Finding) -> Result<[Tensor], ServingError> {
        let answered = Condition<Result<[Tensor], ServingError>?>(nil)
        let handle = instance.execute(
            ModelExecution(inputs: inputs, outputs: outputs, requestCount: requestCount, context: context)
        ) { answer in answered.change { $0 = answer } }
        defer { withExtendedLifetime(handle) {} }
        guard let answer = answered.wait(atMost: .seconds(options.seconds / 2 + 5), { $0 }) else {
            throw Finding("an execution was never completed")
        }
        return answer
    }

    /// The same, where an error is a finding.
    func outputs(
        _ instance: any ServableInstance, _ inputs: [Tensor], outputs: [String] = []
    ) throws(Finding) -> [Tensor] {
        switch try answer(instance, inputs, outputs: outputs) {
        case .success(let outputs): return outputs
        case .failure(let error):
            let hint = options.input.isEmpty ? " (inputs were made from its description; --input gives others)" : ""
            throw Finding("a request that it should answer: \(error.message)\(hint)")
        }
    }

    private var context: Bytes {
        Slipway.Adapter.V1.ExecutionContext(
            requestId: "check", headers: [.init(name: "content-type", value: "application/json")], method: "POST",
            path: "/", mediaType: "application/json"
        ).serialized()[...]
    }
}
