import Glibc
import HTTP
import Protobuf

/// A request that can't become a call: the error, and how to tell it.
struct RequestRefusal: Error {
    /// The HTTP status where the error goes out as JSON; the code's own where nil.
    var status: Int?
    var error: RPCError
    var asGRPC = false
    /// Set where the caller waits for a Connect stream, whose errors come in its last envelope.
    var streamCodec: Codec?
    var fields: HeaderFields = [:]
}

/// Which protocol a request to a known method speaks, and what its head says of the call.
enum RequestForm {
    struct GRPC {
        var codec: Codec
        /// The caller's content type where it is not simply `application/grpc`.
        var contentType: String?
        var compression: Compression
        var acceptsGzip: Bool
        var timeout: Duration?
    }
    struct Connect {
        var codec: Codec
        var isUnary: Bool
        var compression: Compression
        var acceptsGzip: Bool
        var timeout: Duration?
        /// The message of a GET.
        var messageInHead: [UInt8]?
    }

    case grpc(GRPC)
    case connect(Connect)
    case preflight

    /// - Parameter messageBytes: the largest message that a GET may carry.
    init(_ request: RequestHead, _ method: AnyMethod, messageBytes: Int) throws(RequestRefusal) {
        switch request.method {
        case .post:
            switch RequestForm.grpcType(of: request) {
            case .plain: self = .grpc(try RequestForm.grpc(request, isPlain: true))
            case .other: self = .grpc(try RequestForm.grpc(request, isPlain: false))
            case .none: self = .connect(try RequestForm.post(request, method))
            }
        case .get where method.shape == .unary && method.idempotency == .noSideEffects:
            self = .connect(try RequestForm.get(request, messageBytes: messageBytes))
        case .options where request.fields.contains("access-control-request-method"): self = .preflight
        default:
            let allowed = method.shape == .unary && method.idempotency == .noSideEffects ? "GET, POST" : "POST"
            throw RequestRefusal(
                status: 405,
                error: RPCError(.unimplemented, "\(method) is called with \(allowed), not \(request.method)"),
                fields: ["allow": allowed])
        }
    }

    private enum GRPCType {
        /// Another protocol's.
        case none
        /// Just `application/grpc`.
        case plain
        /// With a codec or parameters.
        case other
    }

    private static let grpcType: StaticString = "application/grpc"

    private static func grpcType(of request: RequestHead) -> GRPCType {
        request.fields.withValue("content-type") { value in
            guard value.count >= 16, let base = value.baseAddress, memcmp(base, grpcType.utf8Start, 16) == 0 else {
                return .none
            }
            if value.count == 16 { return .plain }
            return value[16] == UInt8(ascii: "+") || value[16] == UInt8(ascii: ";") ? .other : .none
        } ?? .none
    }

    static func isGRPC(_ request: RequestHead) -> Bool { grpcType(of: request) != .none }

    // MARK: gRPC

    private static func grpc(_ request: RequestHead, isPlain: Bool) throws(RequestRefusal) -> GRPC {
        var form = GRPC(codec: .proto, contentType: nil, compression: .identity, acceptsGzip: false, timeout: nil)
        let fields = request.fields
        if !isPlain, let type = fields["content-type"] {
            form.contentType = type
            switch mediaType(type) {
            case "application/grpc", "application/grpc+proto": break
            case "application/grpc+json": form.codec = .json
            default:
                throw RequestRefusal(
                    status: 415, error: RPCError(.unimplemented, "messages can be +proto or +json, not \(type)"))
            }
        }
        if let text = fields.text("grpc-timeout") {
            guard let timeout = CallTimeout.parse(grpc: text) else {
                throw refusal(
                    .internal, "grpc-timeout is \"\(text)\"; it is up to eight digits and one of H, M, S, m, u, n")
            }
            form.timeout = timeout
        }
        if let name = fields.text("grpc-encoding") {
            guard let compression = Compression(rawValue: name) else {
                var refused = refusal(
                    .unimplemented, "grpc-encoding \"\(name)\" is unknown; identity and gzip are known")
                refused.error.metadata = ["grpc-accept-encoding": "identity,gzip"]
                throw refused
            }
            form.compression = compression
        }
        form.acceptsGzip = acceptsGzip(fields, "grpc-accept-encoding")
        return form
    }

    private static func refusal(_ code: RPCCode, _ message: String) -> RequestRefusal {
        RequestRefusal(error: RPCError(code, message), asGRPC: true)
    }

    // MARK: Connect

    private static func post(_ request: RequestHead, _ method: AnyMethod) throws(RequestRefusal) -> Connect {
        let fields = request.fields
        let isUnary = method.shape == .unary
        let prefix = isUnary ? "application/" : "application/connect+"
        let type = fields["content-type"] ?? ""
        let codec: Codec
        switch mediaType(type) {
        case prefix + "json": codec = .json
        case prefix + "proto": codec = .proto
        default:
            let text = type.isEmpty ? "nothing" : "\"\(type)\""
            throw RequestRefusal(
                status: 415,
                error: RPCError(
                    .unimplemented,
                    "content-type says \(text); \(method) takes \(prefix)json, \(prefix)proto and application/grpc"),
                fields: ["accept-post": "\(prefix)json, \(prefix)proto, application/grpc"])
        }
        do {
            return try connect(fields, codec, isUnary: isUnary)
        } catch {
            var refusal = error
            if !isUnary { refusal.streamCodec = codec }
            throw refusal
        }
    }

    private static func connect(
        _ fields: HeaderFields, _ codec: Codec, isUnary: Bool
    ) throws(RequestRefusal) -> Connect {
        try checkVersion(fields["connect-protocol-version"])
        let encodingField = isUnary ? "content-encoding" : "connect-content-encoding"
        return Connect(
            codec: codec, isUnary: isUnary, compression: try compression(fields[encodingField], encodingField),
            acceptsGzip: acceptsGzip(fields, isUnary ? "accept-encoding" : "connect-accept-encoding"),
            timeout: try timeout(fields))
    }

    private static func get(_ request: RequestHead, messageBytes: Int) throws(RequestRefusal) -> Connect {
        var query: [String: String] = [:]
        for part in (request.query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
        }
        if let version = query["connect"] {
            try checkVersion(version.hasPrefix("v") ? String(version.dropFirst()) : version)
        }
        let codec: Codec
        switch query["encoding"] {
        case "json": codec = .json
        case "proto": codec = .proto
        default:
            throw RequestRefusal(
                status: 415, error: RPCError(.unimplemented, "the query's encoding must be json or proto"))
        }
        guard let text = query["message"] else { throw invalid("the query has no message") }
        var message = PercentEncoding.decode(text, plusIsSpace: true)
        if query["base64"] == "1" {
            guard let decoded = Base64.decode(String(decoding: message, as: UTF8.self)) else {
                throw invalid("the query's message is no base64")
            }
            message = decoded
        }
        if try compression(query["compression"], "compression") == .gzip {
            do { message = try CallInput.decompress(message, limit: messageBytes) } catch {
                throw RequestRefusal(error: error)
            }
        }
        guard message.count <= messageBytes else {
            throw RequestRefusal(error: CallInput.error(.tooLarge(length: message.count, limit: messageBytes)))
        }
        return Connect(
            codec: codec, isUnary: true, compression: .identity,
            acceptsGzip: acceptsGzip(request.fields, "accept-encoding"), timeout: try timeout(request.fields),
            messageInHead: message)
    }

    private static func invalid(_ message: String) -> RequestRefusal {
        RequestRefusal(error: RPCError(.invalidArgument, message))
    }

    private static func checkVersion(_ version: String?) throws(RequestRefusal) {
        if let version, version != "1" {
            throw invalid("connect-protocol-version is \"\(version)\"; this server speaks version 1")
        }
    }

    private static func compression(_ name: String?, _ field: String) throws(RequestRefusal) -> Compression {
        guard let name, !name.isEmpty else { return .identity }
        guard let compression = Compression(rawValue: name) else {
            throw RequestRefusal(
                error: RPCError(.unimplemented, "\(field) \"\(name)\" is unknown; identity and gzip are known"))
        }
        return compression
    }

    private static func timeout(_ fields: HeaderFields) throws(RequestRefusal) -> Duration? {
        guard let text = fields["connect-timeout-ms"] else { return nil }
        guard let timeout = CallTimeout.parse(connect: text) else {
            throw invalid("connect-timeout-ms is \"\(text)\"; it is up to ten digits")
        }
        return timeout
    }

    // MARK: parts of fields

    /// A content type without its parameters, in lower case.
    private static func mediaType(_ text: String) -> String {
        String(text.prefix { $0 != ";" }).filter { $0 != " " }.lowercased()
    }

    /// Whether a list such as `gzip;q=0.5, br` names gzip. Read as bytes: every call of most clients carries one.
    private static func acceptsGzip(_ fields: HeaderFields, _ name: StaticString) -> Bool {
        fields.withValue(name) { list in
            list.split(separator: UInt8(ascii: ",")).contains { item in
                let name = item.drop { $0 == UInt8(ascii: " ") }.prefix {
                    $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ")
                }
                return name.elementsEqual("gzip".utf8)
            }
        } ?? false
    }
}
