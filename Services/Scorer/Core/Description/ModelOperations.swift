import Serving

/// What a model's own operations take and give, as an OpenAPI document says it.
struct ModelOperations {
    let summary: ModelSummary

    /// A request to infer in the inference protocol's form.
    var inferRequest: JSONTree {
        let inputs = summary.inputs.map { input -> JSONTree in
            [
                "type": "object", "required": ["name", "datatype", "shape", "data"],
                "properties": [
                    "name": ["type": "string", "enum": [.string(input.name)]],
                    "datatype": ["type": "string", "enum": [.string(input.datatype.name)]],
                    "shape": shape(input.shape),
                    "data": ["type": "array", "items": TensorSchema.element(input.datatype)],
                ],
            ]
        }
        let required = summary.inputs.filter { !$0.mayBeAbsent }.count
        let item: JSONTree =
            inputs.isEmpty
            ? OpenAPIParts.reference("schemas/Tensor") : inputs.count == 1 ? inputs[0] : ["anyOf": .array(inputs)]
        let names = summary.outputs.map(\.name)
        let outputName: JSONTree = names.isEmpty ? ["type": "string"] : ["type": "string", "enum": .strings(names)]
        return [
            "type": "object", "required": ["inputs"],
            "properties": [
                "id": ["type": "string"], "parameters": OpenAPIParts.reference("schemas/Parameters"),
                "inputs": [
                    "type": "array", "minItems": .integer(required),
                    "maxItems": .integer(max(1, summary.inputs.count)), "items": item,
                ],
                "outputs": [
                    "type": "array",
                    "items": ["type": "object", "required": ["name"], "properties": ["name": outputName]],
                ],
            ],
        ]
    }

    private func shape(_ shape: [Int]) -> JSONTree {
        [
            "type": "array", "minItems": .integer(shape.count), "maxItems": .integer(max(shape.count, 16)),
            "items": ["type": "integer", "minimum": 0, "maximum": 2_147_483_647],
        ]
    }

    /// One that would be answered; nil where the tensors are too large to be shown.
    var inferExample: JSONTree? {
        guard summary.inputs.allSatisfy({ TensorSchema.isShown($0.shape) }) else { return nil }
        let inputs = summary.inputs.map { input -> JSONTree in
            let shape = input.shape.map { $0 < 0 ? 1 : $0 }
            return [
                "name": .string(input.name), "datatype": .string(input.datatype.name),
                "shape": .array(shape.map { .integer($0) }), "data": TensorSchema.example(shape[...], input.datatype),
            ]
        }
        return ["inputs": .array(inputs)]
    }

    /// The body of `/score` and `/invocations`.
    func rowsRequest(member: String) -> JSONTree {
        if summary.interface == .document { return ModelOperations.parsed(summary.inputSchema) ?? [:] }
        let properties: JSONTree
        if summary.inputs.count == 1, let input = summary.inputs.first {
            properties = [member: TensorSchema.nested(input.shape[...], TensorSchema.element(input.datatype))]
        } else {
            let inputs = summary.inputs.map { input in
                JSONTree.Member(
                    name: input.name,
                    value: TensorSchema.nested(input.shape[...], TensorSchema.element(input.datatype)))
            }
            let required = summary.inputs.filter { !$0.mayBeAbsent }.map(\.name)
            properties = [
                member: ["type": "object", "required": .strings(required), "properties": .object(inputs)]
            ]
        }
        return ["type": "object", "required": [.string(member)], "properties": properties]
    }

    func rowsExample(member: String) -> JSONTree? {
        if summary.interface == .document { return ModelOperations.parsed(summary.inputSample) }
        guard summary.inputs.allSatisfy({ TensorSchema.isShown($0.shape) }) else { return nil }
        if summary.inputs.count == 1, let input = summary.inputs.first {
            return [member: TensorSchema.example(input.shape[...], input.datatype)]
        }
        let inputs = summary.inputs.map { input in
            JSONTree.Member(name: input.name, value: TensorSchema.example(input.shape[...], input.datatype))
        }
        return [member: .object(inputs)]
    }

    /// What `/score` and `/invocations` answer.
    var rowsAnswer: JSONTree {
        if summary.interface == .document { return ModelOperations.parsed(summary.outputSchema) ?? [:] }
        return ["type": "object", "required": ["predictions"], "properties": ["predictions": [:]]]
    }

    var rowsAnswerExample: JSONTree? {
        summary.interface == .document ? ModelOperations.parsed(summary.outputSample) : nil
    }

    /// JSON that a model says of itself; nil where it is none.
    private static func parsed(_ text: String) -> JSONTree? {
        guard !text.isEmpty else { return nil }
        return try? JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in try cursor.tree() }
    }
}
