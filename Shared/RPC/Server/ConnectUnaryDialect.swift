import HTTP
import Protobuf

/// Connect with one message each way: the response is a plain HTTP one.
final class ConnectUnaryDialect: ResponseDialect {
    private let acceptsGzip: Bool
    private let extraFields: HeaderFields
    private(set) var isHeadSent = false

    init(acceptsGzip: Bool, extraFields: HeaderFields) {
        self.acceptsGzip = acceptsGzip
        self.extraFields = extraFields
    }

    /// Nothing: the status of a unary response is known only at its end.
    func sendHead(on call: ServerCall) {}

    func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        guard !isHeadSent else {
            throw RPCError(.internal, "the handler of \(call.context.method) gave more than one response")
        }
        let context = call.context
        var body = message[5...]
        var fields = extraFields
        fields.add("content-type", context.codec == .json ? "application/json" : "application/proto")
        if acceptsGzip, compressed ?? context.compressesResponses {
            body = try Gzip.compress(body)[...]
            fields.add("content-encoding", "gzip")
        }
        fields.add("content-length", "\(body.count)")
        context.responseMetadata.appendTo(&fields)
        context.trailingMetadata.appendTo(&fields, prefix: "trailer-")
        isHeadSent = true
        call.stream.send(ResponseHead(status: 200, fields: fields))
        call.stream.send(body)
    }

    func finish(_ error: RPCError?, on call: ServerCall) {
        // A unary handler's one message is the last thing before its end, so an error finds the head unsent, but for a
        // streaming handler of a unary method that fails after its message.
        if isHeadSent { return error == nil ? call.stream.finish() : call.stream.reset(.internalError) }
        let error = error ?? RPCError(.internal, "the handler of \(call.context.method) gave no response")
        var metadata = call.context.responseMetadata
        metadata.append(error.metadata)
        ConnectUnaryDialect.refuse(
            error, metadata, trailing: call.context.trailingMetadata, extraFields, on: call.stream)
    }

    static func refuse(
        _ error: RPCError, _ metadata: Metadata, trailing: Metadata = [:], _ extraFields: HeaderFields,
        status: Int? = nil, on stream: HTTPStream
    ) {
        let body = ConnectJSON.body(of: error)
        var fields = extraFields
        fields.add("content-type", "application/json")
        fields.add("content-length", "\(body.count)")
        metadata.appendTo(&fields)
        trailing.appendTo(&fields, prefix: "trailer-")
        stream.send(ResponseHead(status: status ?? error.code.httpStatus, fields: fields))
        stream.send(body[...])
        stream.finish()
    }
}
