import HTTP
import Protobuf

/// How a call's answers look on the wire.
protocol ResponseDialect: AnyObject {
    var isHeadSent: Bool { get }
    func sendHead(on call: ServerCall)
    /// Sends a message that has five free bytes in front. Consumed, or the prefix would be written into a copy.
    func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws
    func finish(_ error: RPCError?, on call: ServerCall)
}

extension Metadata {
    /// The metadata as an application's: what belongs to the protocols is left out, so that a handler can't break its
    /// own response.
    func appendTo(_ fields: inout HeaderFields, prefix: String = "") {
        if isEmpty { return }
        for (key, value) in self where !Metadata.isReserved(key) { fields.add(prefix + key, value) }
    }
}

/// gRPC over HTTP/2.
final class GRPCDialect: ResponseDialect {
    private static let head: HeaderFields = [
        "content-type": "application/grpc", "grpc-accept-encoding": "identity,gzip",
    ]
    private static let plainHead = ResponseHead(status: 200, fields: head)
    private static let success: HeaderFields = ["grpc-status": "0"]

    private let contentType: String?
    private let acceptsGzip: Bool
    private var declaresGzip = false
    private(set) var isHeadSent = false

    /// - Parameter contentType: the caller's, where it is not simply `application/grpc`.
    init(contentType: String?, acceptsGzip: Bool) {
        self.contentType = contentType
        self.acceptsGzip = acceptsGzip
    }

    func sendHead(on call: ServerCall) {
        guard !isHeadSent else { return }
        isHeadSent = true
        let context = call.context
        // Most calls say nothing but that they go well: those share one head.
        if contentType == nil, !context.compressesResponses, context.responseMetadata.isEmpty {
            return call.stream.send(GRPCDialect.plainHead)
        }
        var fields = GRPCDialect.head
        if let contentType { fields.set("content-type", contentType) }
        declaresGzip = acceptsGzip && context.compressesResponses
        if declaresGzip { fields.add("grpc-encoding", "gzip") }
        context.responseMetadata.appendTo(&fields)
        call.stream.send(ResponseHead(status: 200, fields: fields))
    }

    func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        sendHead(on: call)
        let isCompressed = declaresGzip && compressed ?? call.context.compressesResponses
        call.stream.send(try MessageDeframer.frame(consume message, isCompressed: isCompressed))
    }

    func finish(_ error: RPCError?, on call: ServerCall) {
        if error == nil, isHeadSent, call.context.trailingMetadata.isEmpty {
            return call.stream.finish(trailers: GRPCDialect.success)
        }
        var fields = error.map { GRPCDialect.trailers($0) } ?? GRPCDialect.success
        call.context.trailingMetadata.appendTo(&fields)
        if isHeadSent { return call.stream.finish(trailers: fields) }
        guard error != nil else {
            sendHead(on: call)
            return call.stream.finish(trailers: fields)
        }
        GRPCDialect.refuse(fields, contentType, call.context.responseMetadata, on: call.stream)
    }

    /// Head and status in one: nothing else was or will be said.
    static func refuse(
        _ trailers: HeaderFields, _ contentType: String?, _ metadata: Metadata = [:], on stream: HTTPStream
    ) {
        var head = GRPCDialect.head
        if let contentType { head.set("content-type", contentType) }
        metadata.appendTo(&head)
        trailers.forEachBytes { head.add(name: $0, value: $1) }
        stream.send(ResponseHead(status: 200, fields: head), end: true)
    }

    static func trailers(_ error: RPCError) -> HeaderFields {
        var fields: HeaderFields = ["grpc-status": "\(error.code.rawValue)"]
        if !error.message.isEmpty { fields.add("grpc-message", PercentEncoding.encode(error.message)) }
        if !error.details.isEmpty {
            fields.add("grpc-status-details-bin", Base64.encode(error.statusMessage.serialized()[...]))
        }
        error.metadata.appendTo(&fields)
        return fields
    }
}
