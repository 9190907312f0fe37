import HTTP
import Protobuf

/// How a call's answers look on the wire, and how far they have got.
protocol ResponseDialect {
    mutating func sendHead(on call: ServerCall)
    /// Sends a message that has five free bytes in front. Consumed, or the prefix would be written into a copy.
    mutating func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws
    mutating func finish(_ error: RPCError?, on call: ServerCall)
}

/// A call's dialect. gRPC's lies in the call itself: it is most calls'.
enum ResponseWriting: ResponseDialect {
    case grpc(GRPCDialect)
    case connect(any ResponseDialect)

    @inline(__always)
    private mutating func with<Result>(
        _ inGRPC: (inout GRPCDialect) throws -> Result, _ inConnect: (inout any ResponseDialect) throws -> Result
    ) rethrows -> Result {
        switch self {
        case .grpc(var dialect):
            defer { self = .grpc(dialect) }
            return try inGRPC(&dialect)
        case .connect(var dialect):
            defer { self = .connect(dialect) }
            return try inConnect(&dialect)
        }
    }

    mutating func sendHead(on call: ServerCall) {
        with({ $0.sendHead(on: call) }, { $0.sendHead(on: call) })
    }

    mutating func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        switch self {
        case .grpc(var dialect):
            defer { self = .grpc(dialect) }
            try dialect.write(message, compressed: compressed, on: call)
        case .connect(var dialect):
            defer { self = .connect(dialect) }
            try dialect.write(message, compressed: compressed, on: call)
        }
    }

    mutating func finish(_ error: RPCError?, on call: ServerCall) {
        with({ $0.finish(error, on: call) }, { $0.finish(error, on: call) })
    }
}

extension Metadata {
    /// What one application may say in one head or trailer. Peers take little more, and HTTP/2 tells a header block that
    /// is too large from a broken connection only with luck.
    private static let sentBytesMax = 16 * 1024

    /// The metadata as an application's: what belongs to the protocols, is no key or is too much is left out, and what
    /// is not printable becomes `?`, so that a handler can't break its own response.
    func appendTo(_ fields: inout HeaderFields, prefix: String = "") {
        if isEmpty { return }
        var room = Metadata.sentBytesMax
        for (key, value) in self where Metadata.isKey(key) && !Metadata.isReserved(key) {
            let size = key.utf8.count + value.utf8.count + 32
            guard size <= room else { continue }
            room -= size
            fields.add(prefix + key, Metadata.printable(value))
        }
    }
}

/// gRPC over HTTP/2.
struct GRPCDialect: ResponseDialect {
    private static let head: HeaderFields = [
        "content-type": "application/grpc", "grpc-accept-encoding": "identity,gzip",
    ]
    private static let plainHead = ResponseHead(status: 200, fields: head)
    private static let success: HeaderFields = ["grpc-status": "0"]

    private let contentType: String?
    private let acceptsGzip: Bool
    private var declaresGzip = false
    private var isHeadSent = false

    /// - Parameter contentType: the caller's, where it is not simply `application/grpc`.
    init(contentType: String?, acceptsGzip: Bool) {
        self.contentType = contentType
        self.acceptsGzip = acceptsGzip
    }

    mutating func sendHead(on call: ServerCall) {
        guard !isHeadSent else { return }
        isHeadSent = true
        let metadata = call.responseMetadata
        // Most calls say nothing but that they go well: those share one head.
        if contentType == nil, !call.compressesResponses, metadata.isEmpty {
            return call.stream.send(GRPCDialect.plainHead)
        }
        var fields = GRPCDialect.head
        if let contentType { fields.set("content-type", contentType) }
        declaresGzip = acceptsGzip && call.compressesResponses
        if declaresGzip { fields.add("grpc-encoding", "gzip") }
        metadata.appendTo(&fields)
        call.stream.send(ResponseHead(status: 200, fields: fields))
    }

    mutating func write(_ message: consuming [UInt8], compressed: Bool?, on call: ServerCall) throws {
        sendHead(on: call)
        let isCompressed = declaresGzip && compressed ?? call.context.compressesResponses
        call.stream.send(try MessageDeframer.frame(consume message, isCompressed: isCompressed))
    }

    mutating func finish(_ error: RPCError?, on call: ServerCall) {
        if error == nil, isHeadSent, call.trailingMetadata.isEmpty {
            return call.stream.finish(trailers: GRPCDialect.success)
        }
        var fields = error.map { GRPCDialect.trailers($0) } ?? GRPCDialect.success
        call.trailingMetadata.appendTo(&fields)
        if isHeadSent { return call.stream.finish(trailers: fields) }
        guard error != nil else {
            sendHead(on: call)
            return call.stream.finish(trailers: fields)
        }
        GRPCDialect.refuse(fields, contentType, call.responseMetadata, on: call.stream)
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

    /// Texts and details end up in a header: one that quotes a caller's input must not grow as that does.
    private static let messageBytesMax = 4096
    private static let detailBytesMax = 12 * 1024

    private static func fitting(_ error: RPCError) -> RPCError {
        var error = error
        if error.message.utf8.count > messageBytesMax {
            var text = error.message.prefix(messageBytesMax)
            while text.utf8.count > messageBytesMax { text.removeLast() }
            error.message = text + "…"
        }
        if error.details.reduce(0, { $0 + $1.typeName.utf8.count + $1.value.count }) > detailBytesMax {
            error.details = []
        }
        return error
    }

    static func trailers(_ error: RPCError) -> HeaderFields {
        let error = fitting(error)
        var fields: HeaderFields = ["grpc-status": "\(error.code.rawValue)"]
        if !error.message.isEmpty { fields.add("grpc-message", PercentEncoding.encode(error.message)) }
        if !error.details.isEmpty {
            fields.add("grpc-status-details-bin", Base64.encode(error.statusMessage.serialized()[...]))
        }
        error.metadata.appendTo(&fields)
        return fields
    }
}
