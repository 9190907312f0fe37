import InferenceContracts
import Serving

/// A model's signature in the terms of Triton's configuration.
enum ModelConfigText {
    static func message(_ summary: ModelSummary) -> Inference.ModelConfig {
        var config = Inference.ModelConfig()
        config.name = summary.name
        config.platform = ModelText.platform(summary)
        config.backend = summary.adapter
        config.maxBatchSize = Int32(clamping: largestBatch(summary))
        config.input = summary.inputs.map { input in
            .init(
                name: input.name, dataType: datatype(input.datatype), dims: dimensions(input, summary),
                optional: input.mayBeAbsent)
        }
        config.output = summary.outputs.map { output in
            .init(name: output.name, dataType: datatype(output.datatype), dims: dimensions(output, summary))
        }
        if summary.batches { config.dynamicBatching = Inference.ModelDynamicBatching() }
        for fact in summary.facts { config.parameters[fact.name] = .init(stringValue: fact.value) }
        return config
    }

    /// The same as JSON.
    static func tree(_ summary: ModelSummary) -> JSONTree {
        func tensors(_ list: [TensorSpecification]) -> JSONTree {
            .array(
                list.map { tensor in
                    var members: [JSONTree.Member] = [
                        .init(name: "name", value: .string(tensor.name)),
                        .init(name: "data_type", value: .string(typeName(tensor.datatype))),
                        .init(name: "dims", value: .array(dimensions(tensor, summary).map { .integer($0) })),
                    ]
                    if tensor.mayBeAbsent { members.append(.init(name: "optional", value: true)) }
                    return .object(members)
                })
        }
        var members: [JSONTree.Member] = [
            .init(name: "name", value: .string(summary.name)),
            .init(name: "platform", value: .string(ModelText.platform(summary))),
            .init(name: "backend", value: .string(summary.adapter)),
            .init(name: "max_batch_size", value: .integer(largestBatch(summary))),
            .init(name: "input", value: tensors(summary.inputs)),
            .init(name: "output", value: tensors(summary.outputs)),
        ]
        if summary.batches { members.append(.init(name: "dynamic_batching", value: [:])) }
        let facts = summary.facts.map { fact in
            JSONTree.Member(name: fact.name, value: ["string_value": .string(fact.value)])
        }
        members.append(.init(name: "parameters", value: .object(facts)))
        return .object(members)
    }

    /// A model that sets no limit takes what a message can hold; the configuration has no word for that, and 0 would say
    /// that it does not batch.
    private static func largestBatch(_ summary: ModelSummary) -> Int {
        guard summary.batches else { return 0 }
        return summary.largestBatch > 0 ? summary.largestBatch : Int(Int32.max)
    }

    private static func dimensions(_ tensor: TensorSpecification, _ summary: ModelSummary) -> [Int64] {
        let shape = summary.batches ? tensor.shape.dropFirst() : tensor.shape[...]
        return shape.map { Int64($0) }
    }

    private static func typeName(_ datatype: Datatype) -> String {
        datatype == .bytes ? "TYPE_STRING" : "TYPE_\(datatype.name)"
    }

    private static func datatype(_ datatype: Datatype) -> Inference.DataType {
        switch datatype {
        case .bool: .typeBool
        case .uint8: .typeUint8
        case .uint16: .typeUint16
        case .uint32: .typeUint32
        case .uint64: .typeUint64
        case .int8: .typeInt8
        case .int16: .typeInt16
        case .int32: .typeInt32
        case .int64: .typeInt64
        case .fp16: .typeFp16
        case .fp32: .typeFp32
        case .fp64: .typeFp64
        case .bytes: .typeString
        case .bf16: .typeBf16
        }
    }
}
