/// Who hears a request that a pattern matched.
public protocol RouteHandler: AnyObject, Sendable {
    /// As `HTTPServerHandler.receiver(for:)`, with what the path gave to the pattern's names.
    func receiver(for stream: HTTPStream, parameters: RouteParameters) -> any HTTPStreamReceiver
}

/// Leads requests to handlers by method and path, and answers those that nobody takes: 404, 405 with `Allow`, `OPTIONS`.
/// HEAD is served by GET. Errors are JSON: `{"code","message"}`.
public final class Routes: HTTPServerHandler {
    private let table: RouteTable<any RouteHandler>
    private let fallback: (any HTTPServerHandler)?

    /// - Parameter fallback: takes the paths that no pattern knows; without it they are a 404.
    public init(_ table: RouteTable<any RouteHandler>, fallback: (any HTTPServerHandler)? = nil) {
        self.table = table
        self.fallback = fallback
    }

    public func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        let method = stream.request.method
        switch stream.request.withTargetBytes({ table.match(method, $0) }) {
        case .found(let handler, let parameters): return handler.receiver(for: stream, parameters: parameters)
        case .methodNotAllowed(let allowed):
            let fields: HeaderFields = ["allow": Routes.allow(allowed)]
            if method == .options {
                stream.send(ResponseHead(status: 204, fields: fields), end: true)
                return RefusedRequest.shared
            }
            let failure = HTTPFailure(
                status: 405, code: "method_not_allowed", message: "\(method) is not possible here", fields: fields)
            return failure.answer(stream)
        case .badEncoding:
            return HTTPFailure(
                status: 400, code: "invalid_argument", message: "the path is not validly percent-encoded UTF-8"
            ).answer(stream)
        case .unknown:
            if let fallback { return fallback.receiver(for: stream) }
            if method == .options, stream.request.target == "*" {
                stream.send(
                    ResponseHead(status: 204, fields: ["allow": Routes.allow(table.methods)]), end: true)
                return RefusedRequest.shared
            }
            return HTTPFailure(
                status: 404, code: "not_found", message: "there is nothing at \(stream.request.path)"
            ).answer(stream)
        }
    }

    private static func allow(_ methods: [HTTPMethod]) -> String {
        var names = Set(methods.map(\.description))
        if names.contains("GET") { names.insert("HEAD") }
        names.insert("OPTIONS")
        return names.sorted().joined(separator: ", ")
    }
}

/// A refusal that a client should see: an HTTP status and `{"code","message"}` in JSON. Handlers throw it.
public struct HTTPFailure: Error, Equatable, CustomStringConvertible {
    public var status: Int
    /// For programs, in the words of gRPC's codes: `not_found`, `invalid_argument`.
    public var code: String
    /// For people.
    public var message: String
    /// Sent along with the answer.
    public var fields: HeaderFields

    public init(status: Int, code: String, message: String, fields: HeaderFields = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    public var description: String { "\(status) \(code): \(message)" }

    /// The answer's body.
    var json: String { "{\"code\":\(HTTPFailure.quoted(code)),\"message\":\(HTTPFailure.quoted(message))}\n" }

    var head: ResponseHead {
        var fields = fields
        fields.set("content-type", "application/json")
        return ResponseHead(status: status, fields: fields)
    }

    /// Sends it as the whole answer.
    func answer(_ stream: HTTPStream) -> any HTTPStreamReceiver {
        stream.send(head)
        stream.send(ArraySlice(json.utf8))
        stream.finish()
        return RefusedRequest.shared
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
