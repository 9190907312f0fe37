public import Access
import HTTP
import Loop
import Serving

/// What scoring endpoints of Azure Machine Learning offer: `/score`, and "Healthy" at `/`.
public struct ScoreRoutes: Sendable {
    private let point: ScoringPoint
    /// The most characters of the ids that callers may give.
    static let idMax = 100

    public init(_ point: ScoringPoint) { self.point = point }

    /// - Throws: `RouteError` where a route is taken already.
    public func add(to routes: inout AccessRoutes) throws {
        try routes.add(.get, "/", requires: .anyone) { _, _, responder in
            try await responder.respond(200, ["content-type": "text/plain"], Array("Healthy".utf8))
        }
        for method in [HTTPMethod.get, .post] {
            try routes.add(method, "/score", requires: .workspace(.reader), failing: failing) { request, _, responder in
                try await score(request, responder)
            }
        }
    }

    private func score(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let ids = try ScoreIDs(request.head.fields)
        let rows = RowScoring(point: point)
        var answer: RowScoring.Answer
        do {
            answer = try await rows.answer(request, id: ids.request, correlation: ids.client)
        } catch { throw ScoreFailure(error: error, ids: ids) }
        ids.add(to: &answer.fields)
        answer.fields.set("x-ms-run-fn-exec-ms", ScoreRoutes.milliseconds(answer.timing.compute))
        try await responder.respond(answer.status, answer.fields, answer.body)
    }

    /// With three digits behind the point.
    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = max(0, duration.wholeNanoseconds / 1000)
        return "\(microseconds / 1000).\(WallTime.padded(Int(microseconds % 1000), 3))"
    }

    /// A failure whose answer still names the request.
    private struct ScoreFailure: Error {
        var error: any Error
        var ids: ScoreIDs
    }

    /// Errors are `{"error": "…"}`; those that the model is to blame for say so in a field.
    private var failing: AccessRoutes.Failing {
        { [limit = point.bodyLimit] error, request, responder in
            let named = error as? ScoreFailure
            let cause: any Error
            if let named { cause = named.error } else { cause = error }
            let failure = RouteFailure(cause, score: true, limit: limit)
            guard failure.status != 500 || cause is ServingError else { throw cause }
            var fields = failure.fields
            if let named { named.ids.add(to: &fields) }
            if failure.isModelsFault { fields.set("x-ms-run-function-failed", "True") }
            fields.set("content-type", "application/json")
            let body: JSONTree = ["error": .string(failure.message)]
            try await responder.respond(failure.status, fields, body.bytes)
        }
    }
}

/// The names under which a request to `/score` is known.
struct ScoreIDs {
    /// The server's, made where the caller brings none.
    let request: String
    /// The caller's; empty where it brings none.
    let client: String

    /// - Throws: `HTTPFailure` with 431 for one that is too long.
    init(_ fields: HeaderFields) throws {
        for name in ["x-ms-client-request-id", "x-ms-request-id"] {
            guard let value = fields[name], value.count > ScoreRoutes.idMax else { continue }
            throw HTTPFailure(
                status: 431, code: "invalid_argument",
                message: "\(name) has \(value.count) characters; the limit is \(ScoreRoutes.idMax)")
        }
        client = fields["x-ms-client-request-id"] ?? ""
        request = fields["x-ms-request-id"] ?? ScoreIDs.made()
    }

    func add(to fields: inout HeaderFields) {
        fields.set("x-ms-request-id", request)
        if !client.isEmpty { fields.set("x-ms-client-request-id", client) }
    }

    /// A random UUID.
    private static func made() -> String {
        var generator = SystemRandomNumberGenerator()
        let high = generator.next() & ~0xF000 | 0x4000
        let low = generator.next() >> 2 | 0x8000_0000_0000_0000
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        return "\(hex(high >> 32, 8))-\(hex(high >> 16 & 0xFFFF, 4))-\(hex(high & 0xFFFF, 4))-\(hex(low >> 48, 4))-"
            + hex(low & 0xFFFF_FFFF_FFFF, 12)
    }
}
