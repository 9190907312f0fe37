import Protobuf
import Serving

/// A request to infer, as the inference protocol's REST form has it: JSON, and behind it the elements of tensors that say
/// so, in the order of the inputs.
package struct V2Request {
    struct Output {
        var name: String
        /// Whether its elements go behind the JSON; nil where the request as a whole decides.
        var isBinary: Bool?
    }

    var id = ""
    var parameters = RequestParameters()
    var inputs: [Tensor] = []
    var outputs: [Output] = []

    /// - Parameter headerLength: how many bytes are JSON, as `Inference-Header-Content-Length` says; all where nil.
    /// - Throws: `JSONProblem`, `ServingError`.
    init(_ body: Bytes, headerLength: Int?) throws {
        let length = headerLength ?? body.count
        guard length >= 0, length <= body.count else {
            throw ServingError(
                .invalidInput,
                "Inference-Header-Content-Length is \(length), and the body has \(body.count) bytes")
        }
        var reader = V2RequestReader()
        try JSONCursor.read(body.prefix(length)) { cursor throws(JSONProblem) in try reader.read(&cursor) }
        if let failure = reader.failure { throw failure }
        id = reader.id
        parameters = reader.parameters
        outputs = reader.outputs
        inputs = try V2Request.join(reader.inputs, with: body.dropFirst(length))
    }

    /// Reads a body that is JSON alone.
    package init(json body: [UInt8]) throws { try self.init(body[...], headerLength: nil) }

    /// Gives each binary input its part of what follows the JSON, as a window.
    private static func join(_ inputs: [V2RequestReader.Input], with tail: Bytes) throws(ServingError) -> [Tensor] {
        var rest = tail
        var tensors: [Tensor] = []
        tensors.reserveCapacity(inputs.count)
        for input in inputs {
            var contents = input.contents
            if let size = input.binarySize {
                guard size <= rest.count else {
                    throw ServingError(
                        .invalidInput,
                        "input '\(input.name)' has binary_data_size \(size), and \(rest.count) bytes are left behind the "
                            + "JSON")
                }
                contents = rest.prefix(size)
                rest = rest.dropFirst(size)
            }
            tensors.append(
                Tensor(name: input.name, datatype: input.datatype, shape: input.shape, contents: contents))
        }
        guard rest.isEmpty else {
            throw ServingError(
                .invalidInput,
                "\(rest.count) bytes behind the JSON belong to no input: their binary_data_size add up "
                    + "to less")
        }
        return tensors
    }

    /// The names of outputs, for the model.
    var outputNames: [String] { outputs.map(\.name) }

    func isBinary(_ output: String) -> Bool {
        outputs.first { $0.name == output }?.isBinary ?? parameters.wantsBinary
    }
}
