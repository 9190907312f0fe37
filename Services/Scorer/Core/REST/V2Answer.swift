import HTTP
import Protobuf
import Serving

/// An answer in the inference protocol's REST form.
struct V2Answer {
    /// The JSON part.
    let json: [UInt8]
    /// What goes behind it, as the model wrote it.
    let binary: [Bytes]

    init(_ answer: InferenceAnswer, to request: V2Request) {
        var output = JSONOutput(reserving: 512)
        var binary: [Bytes] = []
        output.literal("{\"model_name\":")
        output.string(answer.name)
        output.literal(",\"model_version\":\"")
        output.integer(answer.version)
        output.literal("\"")
        if !request.id.isEmpty {
            output.literal(",\"id\":")
            output.string(request.id)
        }
        output.literal(",\"outputs\":")
        output.list(answer.outputs) { output, tensor in
            output.literal("{\"name\":")
            output.string(tensor.name)
            output.literal(",\"datatype\":\"")
            output.raw(tensor.datatype.name)
            output.literal("\",\"shape\":")
            output.list(tensor.shape) { $0.integer($1) }
            if request.isBinary(tensor.name) {
                output.literal(",\"parameters\":{\"binary_data_size\":")
                output.integer(tensor.contents.count)
                output.literal("}")
                binary.append(tensor.contents)
            } else {
                output.literal(",\"data\":")
                output.flat(tensor)
            }
            output.byte(UInt8(ascii: "}"))
        }
        output.byte(UInt8(ascii: "}"))
        json = output.bytes
        self.binary = binary
    }

    func send(_ responder: HTTPResponder, fields: HeaderFields) async throws {
        var fields = fields
        guard !binary.isEmpty else {
            fields.set("content-type", "application/json")
            return try await responder.respond(200, fields, json)
        }
        let size = binary.reduce(json.count) { $0 + $1.count }
        fields.set("content-type", "application/octet-stream")
        fields.set("inference-header-content-length", "\(json.count)")
        fields.set("content-length", "\(size)")
        try await responder.send(ResponseHead(status: 200, fields: fields))
        try await responder.write(json)
        for part in binary { try await responder.write(part) }
        try await responder.finish()
    }
}
