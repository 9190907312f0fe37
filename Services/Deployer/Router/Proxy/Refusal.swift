import HTTP

/// An answer of the router's own: why a request gets to no replica, or got no answer of one.
struct Refusal: Equatable {
    enum Kind {
        case malformed, unauthenticated, forbidden, notFound, tooLarge, misdirected, unsupported, badAnswer, unavailable
        case timeout

        var status: Int {
            switch self {
            case .malformed: 400
            case .unauthenticated: 401
            case .forbidden: 403
            case .notFound: 404
            case .tooLarge: 413
            case .misdirected: 421
            case .unsupported: 501
            case .badAnswer: 502
            case .unavailable: 503
            case .timeout: 504
            }
        }

        /// The status of gRPC, by number and by name.
        var code: (number: Int, name: String) {
            switch self {
            case .malformed: (3, "invalid_argument")
            case .unauthenticated: (16, "unauthenticated")
            case .forbidden: (7, "permission_denied")
            case .notFound: (5, "not_found")
            case .tooLarge: (8, "resource_exhausted")
            case .misdirected: (9, "failed_precondition")
            case .unsupported: (12, "unimplemented")
            case .badAnswer, .unavailable: (14, "unavailable")
            case .timeout: (4, "deadline_exceeded")
            }
        }

        /// Whether the caller could have known better.
        var isOurs: Bool { status >= 500 }
    }

    let kind: Kind
    let message: String
    /// Seconds.
    var retryAfter: Int?

    init(_ kind: Kind, _ message: String, retryAfter: Int? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Sends the whole answer in the caller's dialect.
    func send(to stream: HTTPStream, isGRPC: Bool, adding own: (inout HeaderFields) -> Void) {
        var fields = HeaderFields()
        if let retryAfter { fields.add("retry-after", "\(retryAfter)") }
        own(&fields)
        if isGRPC {
            fields.add("content-type", stream.request.fields.text("content-type") ?? "application/grpc")
            fields.add("grpc-status", "\(kind.code.number)")
            fields.add("grpc-message", GRPCText.encode(message))
            return stream.send(ResponseHead(status: 200, fields: fields), end: true)
        }
        if kind == .unauthenticated { fields.add("www-authenticate", "Bearer realm=\"slipway\"") }
        let body = Array("{\"code\":\"\(kind.code.name)\",\"message\":\(JSONString.quoted(message))}\n".utf8)
        fields.add("content-type", "application/json")
        fields.add("cache-control", "no-store")
        fields.add("content-length", "\(body.count)")
        stream.send(ResponseHead(status: kind.status, fields: fields))
        stream.send(ArraySlice(body))
        stream.finish()
    }
}

/// Texts in fields of gRPC: what is not printable ASCII is percent-encoded.
enum GRPCText {
    static func encode(_ text: String) -> String {
        PercentEncoding.encode(text.utf8) { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "%") }
    }
}

enum JSONString {
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
