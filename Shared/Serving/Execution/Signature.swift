import AdapterContracts
import Protobuf

/// What a model takes and gives, prepared for checking requests against it.
struct Signature: Sendable {
    let inputs: [TensorSpecification]
    let outputs: [TensorSpecification]
    /// Whether the first dimension of every tensor is a batch.
    let batches: Bool
    /// 0: no limit.
    let largestBatch: Int
    /// Whether all requests that pass the check have the same inputs of the same shapes but for the batch.
    private let isUniform: Bool
    /// Whether some input may be of several datatypes.
    private let converts: Bool
    /// Whether, besides, all of them are of one size.
    private let isFixed: Bool

    init(
        inputs: [TensorSpecification], outputs: [TensorSpecification], batches: Bool, largestBatch: Int
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.batches = batches
        self.largestBatch = largestBatch
        let trailing = inputs.map { batches ? $0.shape.dropFirst() : $0.shape[...] }
        isUniform =
            !inputs.isEmpty && inputs.allSatisfy { !$0.mayBeAbsent && !$0.shape.isEmpty }
            && trailing.allSatisfy { !$0.contains { $0 < 0 } }
        isFixed = isUniform && inputs.allSatisfy { !$0.takes(.bytes) }
        converts = inputs.contains { !$0.alsoTakes.isEmpty }
    }

    init(_ description: Slipway.Adapter.V1.ModelDescription) throws(ServingError) {
        self.init(
            inputs: try description.inputs.map { input throws(ServingError) in try TensorSpecification(input) },
            outputs: try description.outputs.map { output throws(ServingError) in try TensorSpecification(output) },
            batches: description.batches, largestBatch: Int(clamping: description.largestBatch))
    }

    /// Whether a request that passed the check looks like all others but for the batch.
    func isUniform(_ tensors: [Tensor]) -> Bool {
        guard isUniform else { return false }
        return !converts || zip(tensors, inputs).allSatisfy { $0.datatype == $1.datatype }
    }

    /// What one request weighs.
    struct Weight: Sendable, Equatable {
        /// The first dimension where the model batches, else 1.
        var rows: Int
        /// What its time is estimated by: rows where these are all that differs, else bytes.
        var size: Int
    }

    func weight(of tensors: [Tensor], rows: Int) -> Weight {
        if isFixed { return Weight(rows: rows, size: batches ? max(1, rows) : 1) }
        return Weight(rows: rows, size: max(1, tensors.reduce(0) { $0 + $1.contents.count }))
    }
}

extension TensorSpecification {
    init(_ description: Slipway.Adapter.V1.TensorDescription) throws(ServingError) {
        guard let datatype = Datatype(rawValue: description.datatype.rawValue) else {
            throw ServingError(
                .faulty,
                "the adapter says of tensor '\(description.name)' a datatype that does not exist "
                    + "(\(description.datatype.rawValue))")
        }
        self.init(
            name: description.name, datatype: datatype, shape: description.shape.map { Int($0) },
            mayBeAbsent: description.mayBeAbsent, columns: description.columns,
            // What this host does not know, nobody can give.
            alsoTakes: description.alsoTakes.compactMap { Datatype(rawValue: $0.rawValue) }
                .filter { $0 != datatype })
    }
}
