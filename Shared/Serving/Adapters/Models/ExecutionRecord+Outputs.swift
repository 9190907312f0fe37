import AdapterABI
import Glibc
import Protobuf

/// An output whose memory an adapter has asked for.
struct ReservedOutput {
    /// Its place among the model's; nothing where the model describes none.
    let place: Int?
    let tensor: Tensor
    let address: UnsafeMutableRawPointer
}

enum ReservedMemory {
    case granted(UnsafeMutableRawPointer)
    case refused(String)
}

extension ExecutionRecord {
    static let outputAlignment = 64
    static let watchedBytes = 64
    /// Of outputs: more than any framework has.
    static let rankMax = 64

    func reserve(
        name: slipway_bytes, datatype: slipway_datatype, shape: UnsafePointer<Int64>?, rank: UInt32, size: UInt64
    ) -> ReservedMemory {
        lock()
        let outcome = reserveLocked(name, datatype, shape, rank, size)
        unlock()
        if case .refused(let reason) = outcome { host.fault(reason) }
        return outcome
    }

    private func reserveLocked(
        _ name: slipway_bytes, _ datatype: slipway_datatype, _ shape: UnsafePointer<Int64>?, _ rank: UInt32,
        _ size: UInt64
    ) -> ReservedMemory {
        guard let signature = instance?.model.signature, state.phase != .idle else {
            return .refused("it asked for the memory of an output of an execution that has ended")
        }
        let place = signature.outputPlace(name, guess: outputs.count)
        guard place != nil || signature.outputs.isEmpty else {
            return .refused("it gave an output \"\(text(name))\" that the model's description does not have")
        }
        let given = place.map { signature.outputs[$0].name } ?? text(name)
        guard !outputs.contains(where: { $0.tensor.name == given }) else {
            return .refused("it gave output \"\(given)\" twice")
        }
        guard let type = Datatype(rawValue: datatype) else {
            return .refused("it gave output \"\(given)\" a datatype that does not exist: \(datatype)")
        }
        if let expected = place.flatMap({ signature.outputs[$0].datatype }), expected != type {
            return .refused("it gave output \"\(given)\" as \(type.name), and its description says \(expected.name)")
        }
        guard rank <= ExecutionRecord.rankMax, rank == 0 || shape != nil else {
            return .refused("it gave output \"\(given)\" \(rank) dimensions")
        }
        let dimensions = UnsafeBufferPointer(start: shape, count: Int(rank)).map { Int($0) }
        guard let elements = Tensor.elementCount(dimensions), let count = Int(exactly: size),
            fits(type, elements: elements, count: count)
        else {
            return .refused(
                "it asked for \(size) bytes for output \"\(given)\" of \(type.name) \(dimensions), which do not fit")
        }
        guard count <= host.limits.outputBytesMax - outputBytes else {
            return .refused(
                "output \"\(given)\" of \(type.name) \(dimensions) goes over the limit of "
                    + "\(host.limits.outputBytesMax) bytes for an answer")
        }
        let filling = host.limits.outputFilling
        let spare = filling == nil ? 0 : ExecutionRecord.watchedBytes
        guard let memory = AlignedBytes(count: count, alignment: ExecutionRecord.outputAlignment, spare: spare) else {
            return .refused("there is no memory for output \"\(given)\"")
        }
        if let filling {
            memory.address.initializeMemory(as: UInt8.self, repeating: filling, count: count + spare)
        }
        outputBytes += count
        let tensor = Tensor(name: given, datatype: type, shape: dimensions, contents: memory.bytes)
        outputs.append(ReservedOutput(place: place, tensor: tensor, address: memory.address))
        return .granted(memory.address)
    }

    private func fits(_ type: Datatype, elements: Int, count: Int) -> Bool {
        let (size, overflow) = elements.multipliedReportingOverflow(by: type.elementBytes ?? 4)
        return !overflow && (type == .bytes ? count >= size : count == size)
    }

    private func text(_ name: slipway_bytes) -> String {
        String(decoding: UnsafeRawBufferPointer(start: name.data, count: Int(min(name.size, 256))), as: UTF8.self)
    }

    /// The answer of an execution that has ended well, with what is wrong with it. Called with the lock held.
    func gather() -> (Result<[Tensor], ServingError>, fault: String?) {
        for output in outputs {
            if let fault = problem(output) { return (.failure(ServingError(.modelFailed, fault)), fault) }
        }
        guard let signature = instance?.model.signature, !signature.outputs.isEmpty else {
            return (.success(outputs.map(\.tensor)), nil)
        }
        if wanted.isEmpty, outputs.count == signature.outputs.count, isInOrder {
            return (.success(outputs.map(\.tensor)), nil)
        }
        let places = wanted.isEmpty ? Array(signature.outputs.indices) : wanted
        var answer: [Tensor] = []
        answer.reserveCapacity(places.count)
        for place in places {
            if let output = outputs.first(where: { $0.place == place }) {
                answer.append(output.tensor)
            } else if !signature.outputs[place].mayBeAbsent {
                let fault = "it completed without output \"\(signature.outputs[place].name)\""
                return (.failure(ServingError(.modelFailed, "the model gave no such output: \(fault)")), fault)
            }
        }
        return (.success(answer), nil)
    }

    private var isInOrder: Bool {
        for index in outputs.indices where outputs[index].place != index { return false }
        return true
    }

    private func problem(_ output: ReservedOutput) -> String? {
        let tensor = output.tensor
        if tensor.datatype == .bytes {
            let elements = Tensor.elementCount(tensor.shape) ?? 0
            if let problem = Tensor.problem(.bytes, elements: elements, contents: tensor.contents) {
                return "it wrote output \"\(tensor.name)\" wrongly: \(problem)"
            }
        }
        guard let filling = host.limits.outputFilling else { return nil }
        let behind = UnsafeRawBufferPointer(
            start: output.address + tensor.contents.count, count: ExecutionRecord.watchedBytes)
        return behind.allSatisfy { $0 == filling } ? nil : "it wrote past the end of output \"\(tensor.name)\""
    }
}
