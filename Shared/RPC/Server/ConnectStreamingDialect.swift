import HTTP
import Protobuf

/// Connect with messages in envelopes; the last envelope holds the outcome.
struct ConnectStreamingDialect: ResponseDialect {
    private let acceptsGzip: Bool
    private let extraFields: HeaderFields
    private var declaresGzip = false
    private var isHeadSent = false

    init(acceptsGzip: Bool, extraFields: HeaderFields) {
        self.acceptsGzip = acceptsGzip
        self.extraFields = extraFields
    }

    mutating func sendHead(on call: ServerCall) {
        guard !isHeadSent else { return }
        isHeadSent = true
        var fields = ConnectStreamingDialect.head(call.context.codec, extraFields)
        declaresGzip = acceptsGzip && call.compressesResponses
        if declaresGzip { fields.add("connect-content-encoding", "gzip") }
        call.responseMetadata.appendTo(&fields)
        call.stream.send(ResponseHead(status: 200, fields: fields))
    }

    mutating func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        sendHead(on: call)
        let isCompressed = declaresGzip && compressed ?? call.context.compressesResponses
        call.stream.send(try MessageDeframer.frame(consume message, isCompressed: isCompressed))
    }

    mutating func finish(_ error: RPCError?, on call: ServerCall) {
        sendHead(on: call)
        var metadata = call.trailingMetadata
        if let error { metadata.append(error.metadata) }
        call.stream.send(ConnectStreamingDialect.end(error, metadata))
        call.stream.finish()
    }

    /// The outcome alone, of a call that was never begun.
    static func refuse(_ error: RPCError, _ codec: Codec, _ extraFields: HeaderFields, on stream: HTTPStream) {
        stream.send(ResponseHead(status: 200, fields: head(codec, extraFields)))
        stream.send(end(error, error.metadata))
        stream.finish()
    }

    private static func head(_ codec: Codec, _ extraFields: HeaderFields) -> HeaderFields {
        var fields = extraFields
        fields.add("content-type", codec == .json ? "application/connect+json" : "application/connect+proto")
        fields.add("connect-accept-encoding", "gzip")
        return fields
    }

    private static func end(_ error: RPCError?, _ metadata: Metadata) -> Bytes {
        var envelope = [UInt8](repeating: 0, count: 5) + ConnectJSON.endOfStream(error, metadata)
        MessageDeframer.writePrefix(ConnectJSON.endFlag, into: &envelope)
        return envelope[...]
    }
}
