import HTTP
import RPC
import Serving

/// How each kind of failure looks in each dialect: the one place where that is decided.
extension ServingError.Kind {
    struct Codes {
        /// Of gRPC and Connect.
        var call: RPCCode
        /// Of plain HTTP.
        var http: Int
        /// Of `/score`, where callers tell by 500 and a header that their model failed.
        var score: Int
        /// Whether the model is to blame, which `/score` says in `x-ms-run-function-failed`.
        var isModelsFault = false
    }

    var codes: Codes {
        switch self {
        case .notFound: Codes(call: .notFound, http: 404, score: 404)
        case .invalidInput: Codes(call: .invalidArgument, http: 400, score: 400)
        case .notReady: Codes(call: .unavailable, http: 503, score: 503)
        case .overloaded: Codes(call: .resourceExhausted, http: 503, score: 503)
        case .deadlineExceeded: Codes(call: .deadlineExceeded, http: 504, score: 500, isModelsFault: true)
        case .cancelled: Codes(call: .cancelled, http: 499, score: 499)
        case .unavailable: Codes(call: .unavailable, http: 503, score: 503)
        case .unloadable: Codes(call: .failedPrecondition, http: 422, score: 422)
        case .unsupported: Codes(call: .unimplemented, http: 501, score: 501)
        case .modelFailed: Codes(call: .internal, http: 500, score: 500, isModelsFault: true)
        case .refused: Codes(call: .failedPrecondition, http: 409, score: 409)
        case .faulty: Codes(call: .internal, http: 500, score: 500)
        }
    }
}

extension ServingError: RPCErrorConvertible {
    public var rpcError: RPCError {
        guard let retryAfter else { return RPCError(kind.codes.call, message) }
        return .retryLater(kind.codes.call, message, after: retryAfter)
    }
}

/// An error as a plain route answers it, whatever it came from.
struct RouteFailure {
    var status: Int
    var message: String
    /// Sent along: `retry-after`, `www-authenticate`.
    var fields: HeaderFields = [:]
    var isModelsFault = false

    /// - Parameter limit: the most bytes that a body may have.
    init(_ error: any Error, score isScore: Bool = false, limit: Int) {
        switch error {
        case let error as ServingError:
            let codes = error.kind.codes
            self.init(status: isScore ? codes.score : codes.http, message: error.message)
            isModelsFault = isScore && codes.isModelsFault
            if let after = error.retryAfter { fields.add("retry-after", RouteFailure.seconds(after)) }
        case let error as JSONProblem:
            self.init(status: 400, message: "the body is not the JSON that is wanted: \(error)")
        case let error as HTTPFailure: self.init(status: error.status, message: error.message, fields: error.fields)
        case HTTPExchangeError.bodyTooLarge:
            self.init(status: 413, message: RouteFailure.tooLarge(limit))
        case let error as RPCError: self.init(HTTPFailure(error), limit: limit)
        case is CancellationError: self.init(status: 499, message: "the request was given up")
        default: self.init(status: 500, message: "the request failed inside the server")
        }
    }

    private init(status: Int, message: String, fields: HeaderFields = [:]) {
        self.status = status
        self.message = message
        self.fields = fields
    }

    static func tooLarge(_ limit: Int) -> String {
        "the body has more than \(limit) bytes, the limit of this server (setting message_limit)"
    }

    /// Whole seconds, at least one: clients that are told zero come back at once.
    private static func seconds(_ duration: Duration) -> String {
        let (seconds, rest) = duration.components
        return "\(max(1, seconds + (rest > 0 ? 1 : 0)))"
    }
}
