import Protobuf
import Serving

/// What the inference protocol says of models, as JSON.
enum V2Documents {
    static func model(_ summary: ModelSummary) -> JSONTree {
        [
            "name": .string(summary.name), "versions": .strings(summary.versions.map { "\($0)" }),
            "platform": .string(ModelText.platform(summary)), "inputs": tensors(summary.inputs),
            "outputs": tensors(summary.outputs),
        ]
    }

    private static func tensors(_ list: [TensorSpecification]) -> JSONTree {
        .array(
            list.map { tensor in
                [
                    "name": .string(tensor.name), "datatype": .string(tensor.datatype.name),
                    "shape": .array(tensor.shape.map { .integer($0) }),
                ]
            })
    }

    static func status(_ status: VersionStatus) -> JSONTree {
        var members: [JSONTree.Member] = [
            .init(name: "name", value: .string(status.name)),
            .init(name: "version", value: .string("\(status.version)")),
            .init(name: "state", value: .string(ModelText.state(status.state))),
        ]
        if !status.reason.isEmpty { members.append(.init(name: "reason", value: .string(status.reason))) }
        return .object(members)
    }

    /// The `parameters` of a request to load.
    /// - Throws: `JSONProblem`, `ServingError` for a file among them.
    static func loadOptions(_ body: Bytes) throws -> [String: String] {
        let tree = try JSONCursor.read(body) { cursor throws(JSONProblem) in
            guard cursor.peek() == UInt8(ascii: "{") else { throw cursor.found("an object is expected here") }
            return try cursor.tree()
        }
        guard let parameters = tree["parameters"], parameters != .null else { return [:] }
        guard case .object(let members) = parameters else {
            throw ServingError(.invalidInput, "\"parameters\" should be an object, not \(parameters.kind)")
        }
        var options: [String: String] = [:]
        for member in members {
            if member.name.hasPrefix("file:") { throw LoadOptions.filesRefused(member.name) }
            switch member.value {
            case .string(let text), .number(let text): options[member.name] = text
            case .bool(let value): options[member.name] = "\(value)"
            default: options[member.name] = String(decoding: member.value.bytes, as: UTF8.self)
            }
        }
        return options
    }
}

extension V2Request {
    /// A request that is nothing but the elements of an input: its one open dimension is as large as they fill.
    init(bare body: Bytes, for input: TensorSpecification) throws(ServingError) {
        parameters.wantsBinary = true
        guard let size = input.datatype.elementBytes else {
            // One text, without its length in front.
            var contents: [UInt8] = []
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: body.count).littleEndian) { contents.append(contentsOf: $0) }
            contents.append(contentsOf: body)
            inputs = [
                Tensor(
                    name: input.name, datatype: .bytes, shape: input.shape.map { $0 < 0 ? 1 : $0 },
                    contents: contents[...])
            ]
            return
        }
        var row = size
        var open: [Int] = []
        for (index, dimension) in input.shape.enumerated() {
            if dimension < 0 { open.append(index) } else { row = row.multipliedReportingOverflow(by: dimension).0 }
        }
        guard open.count <= 1, row > 0, body.count.isMultiple(of: row) else {
            throw ServingError(
                .invalidInput,
                "\(body.count) bytes do not say what shape input '\(input.name)' of "
                    + "[\(input.shape.map(String.init).joined(separator: ","))] \(input.datatype.name) has")
        }
        var shape = input.shape
        if let place = open.first { shape[place] = body.count / row }
        inputs = [Tensor(name: input.name, datatype: input.datatype, shape: shape, contents: body)]
    }
}
