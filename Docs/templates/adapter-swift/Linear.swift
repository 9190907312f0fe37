// A template for adapters in Swift: linear models, y = W x + b, from a text file.
//
// `model.linear` begins with `linear INPUTS OUTPUTS`; a line for each output follows: its bias, then its weights.
import AdapterABI
import AdapterContracts
import Glibc

typealias Messages = Slipway.Adapter.V1

final class State {
    let host: Host

    init(host: Host) { self.host = host }
}

final class Model {
    let host: Host
    let inputs: Int
    let outputs: Int
    /// For each output its bias and its weights.
    let numbers: [Float]

    init(_ host: Host, path: String) throws(Failure) {
        self.host = host
        guard let text = Model.read(path) else { throw Failure(SLIPWAY_NOT_FOUND, "\(path) cannot be opened") }
        let words = text.split { $0.isWhitespace }
        guard words.count >= 3, words[0] == "linear", let inputs = Int(words[1]), let outputs = Int(words[2]),
            1...100_000 ~= inputs, 1...100_000 ~= outputs
        else {
            throw Failure(SLIPWAY_FAILED_PRECONDITION, "\(path) does not begin with `linear INPUTS OUTPUTS`")
        }
        numbers = words.dropFirst(3).compactMap { Float($0) }
        guard numbers.count == (inputs + 1) * outputs, words.count - 3 == numbers.count else {
            throw Failure(
                SLIPWAY_FAILED_PRECONDITION,
                "\(path) has \(numbers.count) numbers, and \((inputs + 1) * outputs) are needed")
        }
        self.inputs = inputs
        self.outputs = outputs
    }

    static func path(_ request: Messages.LoadRequest) -> String {
        "\(request.folder)/\(request.file.isEmpty ? "model.linear" : request.file)"
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let byte = getc(file)
            guard byte >= 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(byte))
        }
    }

    var description: Messages.ModelDescription {
        .init(
            format: "linear", inputs: [.init(name: "x", datatype: .fp32, shape: [-1, Int64(inputs)])],
            outputs: [.init(name: "y", datatype: .fp32, shape: [-1, Int64(outputs)])], batches: true,
            concurrentExecutions: true)
    }

    func execute(_ execution: UnsafeMutablePointer<slipway_execution>) throws {
        guard execution.pointee.input_count == 1, let x = execution.pointee.inputs?.pointee, x.name.size == 1,
            x.name.data?.load(as: UInt8.self) == UInt8(ascii: "x")
        else { throw Failure(SLIPWAY_INVALID_ARGUMENT, "the model takes one input, x") }
        guard x.datatype == SLIPWAY_FP32, x.rank == 2, let shape = x.shape, shape[1] == Int64(inputs) else {
            throw Failure(SLIPWAY_INVALID_ARGUMENT, "x has to be FP32 of shape [rows, \(inputs)]")
        }
        let rows = Int(shape[0])
        let y = try host.output(execution, "y", [shape[0], Int64(outputs)])
        let values = UnsafeRawBufferPointer(start: x.data, count: Int(x.size)).assumingMemoryBound(to: Float.self)
        for row in 0..<rows {
            for output in 0..<outputs {
                let start = output * (inputs + 1)
                var sum = numbers[start]
                for input in 0..<inputs { sum += numbers[start + 1 + input] * values[row * inputs + input] }
                y[row * outputs + output] = sum
            }
        }
    }
}

/// The table. It is never released: the host may look at it as long as the process lives.
nonisolated(unsafe) private let adapter: UnsafePointer<slipway_adapter> = {
    let table = UnsafeMutablePointer<slipway_adapter>.allocate(capacity: 1)
    table.initialize(to: slipway_adapter())
    table.pointee.struct_size = UInt32(MemoryLayout<slipway_adapter>.size)
    table.pointee.major = UInt32(SLIPWAY_ADAPTER_MAJOR)
    table.pointee.minor = UInt32(SLIPWAY_ADAPTER_MINOR)
    table.pointee.open = { table, bytes, result in
        guard let table, let result else { return nil }
        let host = Host(table: table)
        return host.guarding {
            let options = try host.read(Messages.AdapterOptions.self, bytes)
            if let unknown = options.options.keys.first {
                throw Failure(SLIPWAY_INVALID_ARGUMENT, "the adapter has no option \(unknown)")
            }
            result.pointee = hand(State(host: host))
        }
    }
    table.pointee.close = { drop($0) }
    table.pointee.describe = { state, sink in
        let description = Messages.AdapterDescription(
            name: "linear-swift", version: "1.0", framework: "none", formats: ["linear"])
        look(state, State.self)?.host.write(description, to: sink)
        return nil
    }
    table.pointee.recognise = { state, bytes, sink in
        guard let host = look(state, State.self)?.host else { return nil }
        return host.guarding {
            let isThere = access(Model.path(try host.read(Messages.LoadRequest.self, bytes)), R_OK) == 0
            let reason = isThere ? "it has a model.linear" : "it has no model.linear"
            host.write(Messages.Recognition(certainty: isThere ? 90 : 0, format: "linear", reason: reason), to: sink)
        }
    }
    table.pointee.load = { state, bytes, result in
        guard let host = look(state, State.self)?.host, let result else { return nil }
        return host.guarding {
            let request = try host.read(Messages.LoadRequest.self, bytes)
            if let unknown = request.options.keys.first {
                throw Failure(SLIPWAY_INVALID_ARGUMENT, "linear models have no option \(unknown)")
            }
            result.pointee = hand(try Model(host, path: Model.path(request)))
        }
    }
    table.pointee.unload = { drop($0) }
    table.pointee.describe_model = { model, sink in
        guard let model = look(model, Model.self) else { return nil }
        model.host.write(model.description, to: sink)
        return nil
    }
    table.pointee.execute = { model, _, execution, _ in
        guard let model = look(model, Model.self), let execution else { return nil }
        var refused: OpaquePointer?
        let status = model.host.guarding {
            do {
                try model.execute(execution)
            } catch let refusal as Host.Refusal {
                refused = refusal.status
            }
        }
        return refused ?? status
    }
    return UnsafePointer(table)
}()

@_cdecl("slipway_adapter_entry")
public func entry(_ major: UInt32) -> UnsafeRawPointer? {
    major == UInt32(SLIPWAY_ADAPTER_MAJOR) ? UnsafeRawPointer(adapter) : nil
}
