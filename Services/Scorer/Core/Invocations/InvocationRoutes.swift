public import Access
import HTTP
import Serving

/// What SageMaker's hosting and MLflow's scoring server offer: `/ping` and `/invocations`.
public struct InvocationRoutes: Sendable {
    private let point: ScoringPoint

    public init(_ point: ScoringPoint) { self.point = point }

    /// - Throws: `RouteError` where a route is taken already.
    public func add(to routes: inout AccessRoutes) throws {
        for path in ["/ping", "/health"] {
            try routes.add(.get, path, requires: .anyone) { [point] _, _, responder in
                let isReady = point.serving.isReady
                try await responder.respond(
                    isReady ? 200 : 503, ["content-type": "text/plain"], isReady ? [10] : Array("not ready\n".utf8))
            }
        }
        let rows = RowScoring(point: point)
        try routes.add(.post, "/invocations", requires: .workspace(.reader), failing: failing) {
            request, _, responder in
            let fields = request.head.fields
            let answer = try await rows.answer(
                request, id: fields["x-request-id"] ?? "", correlation: RequestFacts.correlation(fields))
            try await responder.respond(answer.status, answer.fields, answer.body)
        }
    }

    /// Errors as MLflow's clients know them: `{"error_code", "message"}`.
    private var failing: AccessRoutes.Failing {
        { [limit = point.bodyLimit] error, _, responder in
            let failure = RouteFailure(error, limit: limit)
            guard failure.status != 500 || error is ServingError else { throw error }
            var fields = failure.fields
            fields.set("content-type", "application/json")
            let body: JSONTree = [
                "error_code": .string(InvocationRoutes.code(failure.status)), "message": .string(failure.message),
            ]
            try await responder.respond(failure.status, fields, body.bytes)
        }
    }

    private static func code(_ status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "RESOURCE_DOES_NOT_EXIST"
        case 429: "REQUEST_LIMIT_EXCEEDED"
        case 503, 504: "TEMPORARILY_UNAVAILABLE"
        case 500...: "INTERNAL_ERROR"
        default: "BAD_REQUEST"
        }
    }
}
