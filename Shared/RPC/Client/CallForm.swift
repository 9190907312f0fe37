import HTTP
import Loop
import Protobuf

/// How one call looks on the wire: what its options and its channel come to.
struct CallForm {
    let dialect: Dialect
    let codec: Codec
    let compression: Compression
    let acceptsCompression: Bool
    let messageBytes: Int
    let waitForReady: Bool
    let usesGet: Bool
    let timeout: Duration?
    /// Nil where the call is tried once.
    let retry: RetryPolicy?

    init(_ request: ClientRequest, _ configuration: ChannelConfiguration) {
        let method = request.method
        let options = request.options
        switch configuration.callProtocol {
        case .grpc: dialect = .grpc
        case .connect: dialect = method.shape == .unary ? .connectUnary : .connectStreaming
        }
        codec = options.codec ?? configuration.codec
        compression = options.compression ?? configuration.compression
        acceptsCompression = configuration.acceptsCompression
        messageBytes = options.messageBytes ?? configuration.messageBytes
        waitForReady = options.waitForReady ?? configuration.waitForReady
        usesGet =
            dialect == .connectUnary && method.idempotency == .noSideEffects
            && (options.usesGet ?? configuration.usesGet)
        timeout = options.timeout ?? configuration.timeout
        let policy = options.retry ?? (method.idempotency == .unknown ? nil : configuration.retry)
        retry = policy.flatMap { $0.attemptsMax > 1 ? $0 : nil }
    }

    /// Larger messages are posted: servers and proxies bound the length of a URL.
    static let getBytesMax = 4096

    /// Whether this message goes into the URL.
    func isGet(_ body: ArraySlice<UInt8>?) -> Bool {
        guard usesGet, let body else { return false }
        return body.count <= CallForm.getBytesMax
    }

    /// Bytes that are left free in front of an encoded message.
    var prefix: Int { dialect == .connectUnary ? 0 : 5 }

    func makeReader() -> any ResponseReader {
        switch dialect {
        case .grpc: GRPCResponse(codec: codec, limit: messageBytes)
        case .connectUnary: ConnectUnaryResponse(codec: codec, limit: messageBytes)
        case .connectStreaming: ConnectStreamingResponse(codec: codec, limit: messageBytes)
        }
    }

    /// Makes an encoded message ready to be sent.
    func frame(_ message: [UInt8], compressed: Bool?) throws -> [UInt8] {
        let isCompressed = compression == .gzip && (compressed ?? true)
        if dialect == .connectUnary { return isCompressed ? try Gzip.compress(message[...]) : message }
        var framed = isCompressed ? try Gzip.compress(message[5...], prefix: 5) : message
        MessageDeframer.writePrefix(isCompressed ? 1 : 0, into: &framed)
        return framed
    }

    /// The head of an attempt.
    /// - Parameters:
    ///   - body: the whole body where it is known already.
    ///   - attempt: how many went before this one.
    func head(
        _ request: ClientRequest, _ core: ClientCore, on route: any CallRoute, body: ArraySlice<UInt8>?,
        remaining: Duration?, attempt: Int
    ) -> RequestHead {
        var fields = HeaderFields()
        var path = request.method.path
        var method = HTTPMethod.post
        switch dialect {
        case .grpc: addGRPCFields(&fields, remaining, attempt)
        case .connectUnary where isGet(body):
            method = .get
            path += query(body ?? [])
            addConnectFields(&fields, remaining, namesCompression: false)
        case .connectUnary, .connectStreaming:
            fields.add("content-type", contentType)
            fields.add("connect-protocol-version", "1")
            addConnectFields(&fields, remaining, namesCompression: compression == .gzip)
            if dialect == .connectUnary, let body { fields.add("content-length", "\(body.count)") }
        }
        if let agent = request.metadata["user-agent"] {
            fields.add("user-agent", "\(agent) \(core.userAgent)")
        } else {
            fields.add("user-agent", core.userAgent)
        }
        if !request.metadata.isEmpty {
            for (key, value) in request.metadata where key != "user-agent" { fields.add(key, value) }
        }
        return RequestHead(
            method: method, scheme: route.scheme, authority: route.authority, path: path, fields: fields)
    }

    private var contentType: String {
        switch (dialect, codec) {
        case (.grpc, .proto): "application/grpc"
        case (.grpc, .json): "application/grpc+json"
        case (.connectUnary, .proto): "application/proto"
        case (.connectUnary, .json): "application/json"
        case (.connectStreaming, .proto): "application/connect+proto"
        case (.connectStreaming, .json): "application/connect+json"
        }
    }

    private func addGRPCFields(_ fields: inout HeaderFields, _ remaining: Duration?, _ attempt: Int) {
        fields.add("te", "trailers")
        fields.add("content-type", contentType)
        if acceptsCompression { fields.add("grpc-accept-encoding", "identity,gzip") }
        if compression == .gzip { fields.add("grpc-encoding", "gzip") }
        if let remaining { fields.add("grpc-timeout", CallTimeout.format(grpc: remaining)) }
        if attempt > 0 { fields.add("grpc-previous-rpc-attempts", "\(attempt)") }
    }

    private func addConnectFields(
        _ fields: inout HeaderFields, _ remaining: Duration?, namesCompression: Bool
    ) {
        let isUnary = dialect == .connectUnary
        if acceptsCompression { fields.add(isUnary ? "accept-encoding" : "connect-accept-encoding", "gzip") }
        if namesCompression {
            fields.add(isUnary ? "content-encoding" : "connect-content-encoding", "gzip")
        }
        if let remaining { fields.add("connect-timeout-ms", CallTimeout.format(connect: remaining)) }
    }

    /// A message in a URL: the same message always gives the same text, so that caches can answer.
    private func query(_ message: ArraySlice<UInt8>) -> String {
        var query = "?connect=v1&encoding=\(codec == .json ? "json" : "proto")"
        if compression == .gzip || codec == .proto {
            var text = Base64.encode(message)
            while text.last == "=" { text.removeLast() }
            let safe = text.utf8.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: byte
                }
            }
            query += "&base64=1&message=" + String(decoding: safe, as: UTF8.self)
        } else {
            query += "&message=" + PercentEncoding.encode(query: message)
        }
        return compression == .gzip ? query + "&compression=gzip" : query
    }
}
