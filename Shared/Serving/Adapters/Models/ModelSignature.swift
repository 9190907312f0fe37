import AdapterABI
import AdapterContracts
import Glibc

/// What an execution needs to know of a model, laid out once: names as the contract wants them, and types.
final class ModelSignature: @unchecked Sendable {
    struct Entry {
        let name: String
        /// Nothing where the model does not say.
        let datatype: Datatype?
        /// Points into memory that lives as long as the signature.
        let bytes: slipway_bytes
        let mayBeAbsent: Bool
    }

    let inputs: [Entry]
    let outputs: [Entry]
    /// Bytes; 0 for that of the elements.
    let inputAlignment: Int
    private let names: UnsafeMutablePointer<UInt8>

    /// - Throws: `unsupported` where the description contradicts itself.
    init(_ description: Slipway.Adapter.V1.ModelDescription, inputAlignment: Int) throws(ServingError) {
        var inputs = description.inputs
        var outputs = description.outputs
        if description.interface == .document {
            // The description of a document model may leave out what all of them have.
            ModelSignature.complete(&inputs, ("body", .bytes, false))
            ModelSignature.complete(
                &outputs, ("body", .bytes, false), ("status", .int32, true), ("headers", .bytes, true))
        }
        for tensor in inputs + outputs { try ModelSignature.check(tensor, batches: description.batches) }
        for tensors in [inputs, outputs] where Set(tensors.map(\.name)).count != tensors.count {
            throw ServingError(.unsupported, "the model's description names two of its tensors alike")
        }

        let count = (inputs + outputs).reduce(1) { $0 + $1.name.utf8.count }
        names = .allocate(capacity: count)
        var next = names
        func entry(_ tensor: Slipway.Adapter.V1.TensorDescription) -> Entry {
            let start = next
            for byte in tensor.name.utf8 {
                next.initialize(to: byte)
                next += 1
            }
            return Entry(
                name: tensor.name, datatype: Datatype(rawValue: tensor.datatype.rawValue),
                bytes: slipway_bytes(data: UnsafeRawPointer(start), size: UInt64(tensor.name.utf8.count)),
                mayBeAbsent: tensor.mayBeAbsent)
        }
        self.inputs = inputs.map(entry)
        self.outputs = outputs.map(entry)
        self.inputAlignment = inputAlignment
    }

    deinit { names.deallocate() }

    /// The prepared name of an input; nothing for one that the model does not have.
    func inputName(_ name: String, at place: Int) -> slipway_bytes? {
        if place < inputs.count, inputs[place].name == name { return inputs[place].bytes }
        return inputs.first { $0.name == name }?.bytes
    }

    func outputPlace(_ name: String) -> Int? { outputs.firstIndex { $0.name == name } }

    /// The place of the output that an adapter names; `guess` is looked at first.
    func outputPlace(_ name: slipway_bytes, guess: Int) -> Int? {
        if guess < outputs.count, ModelSignature.same(outputs[guess].bytes, name) { return guess }
        return outputs.firstIndex { ModelSignature.same($0.bytes, name) }
    }

    private static func same(_ left: slipway_bytes, _ right: slipway_bytes) -> Bool {
        guard left.size == right.size else { return false }
        guard let leftData = left.data, let rightData = right.data else { return left.size == 0 }
        return leftData == rightData || memcmp(leftData, rightData, Int(left.size)) == 0
    }

    private static func complete(
        _ tensors: inout [Slipway.Adapter.V1.TensorDescription],
        _ known: (name: String, datatype: Slipway.Adapter.V1.Datatype, mayBeAbsent: Bool)...
    ) {
        for (name, datatype, mayBeAbsent) in known where !tensors.contains(where: { $0.name == name }) {
            tensors.append(.init(name: name, datatype: datatype, mayBeAbsent: mayBeAbsent))
        }
    }

    private static func check(_ tensor: Slipway.Adapter.V1.TensorDescription, batches: Bool) throws(ServingError) {
        guard !tensor.name.isEmpty else {
            throw ServingError(.unsupported, "the model's description has a tensor without a name")
        }
        guard tensor.datatype == .unspecified || Datatype(rawValue: tensor.datatype.rawValue) != nil else {
            throw ServingError(
                .unsupported,
                "tensor \"\(tensor.name)\" has a datatype that this server does not know: "
                    + "\(tensor.datatype.rawValue)")
        }
        guard tensor.shape.allSatisfy({ $0 >= -1 }) else {
            throw ServingError(.unsupported, "tensor \"\(tensor.name)\" has a shape with a dimension below -1")
        }
        guard !batches || tensor.shape.first == -1 else {
            throw ServingError(
                .unsupported,
                "the model says that it batches, and the first dimension of \"\(tensor.name)\" is not open (-1)")
        }
    }
}
