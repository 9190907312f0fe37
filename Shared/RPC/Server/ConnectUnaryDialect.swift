import HTTP
import Protobuf

/// Connect with one message each way: the response is a plain HTTP one.
struct ConnectUnaryDialect: ResponseDialect {
    private let acceptsGzip: Bool
    private let extraFields: HeaderFields
    private var isHeadSent = false

    init(acceptsGzip: Bool, extraFields: HeaderFields) {
        self.acceptsGzip = acceptsGzip
        self.extraFields = extraFields
    }

    /// Nothing: the status of a unary response is known only at its end.
    func sendHead(on call: ServerCall) {}

    mutating func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        let context = call.context
        var body = message[5...]
        var fields = extraFields
        fields.add("content-type", context.codec == .json ? "application/json" : "application/proto")
        if acceptsGzip, compressed ?? context.compressesResponses {
            body = try Gzip.compress(body)[...]
            fields.add("content-encoding", "gzip")
        }
        fields.add("content-length", "\(body.count)")
        call.responseMetadata.appendTo(&fields)
        call.trailingMetadata.appendTo(&fields, prefix: "trailer-")
        isHeadSent = true
        call.stream.send(ResponseHead(status: 200, fields: fields))
        call.stream.send(body)
    }

    mutating func finish(_ error: RPCError?, on call: ServerCall) {
        // The one message is written when everything is known to have gone well: an error finds the head unsent.
        if isHeadSent { return call.stream.finish() }
        let error = error ?? RPCError(.internal, "the handler of \(call.context.method) gave no response")
        var metadata = call.responseMetadata
        metadata.append(error.metadata)
        ConnectUnaryDialect.refuse(error, metadata, trailing: call.trailingMetadata, extraFields, on: call.stream)
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
        stream.send(ResponseHead(status: status ?? error.httpStatus, fields: fields))
        stream.send(body[...])
        stream.finish()
    }
}
