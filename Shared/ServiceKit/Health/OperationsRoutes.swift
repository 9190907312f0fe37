import HTTP

/// What operators and orchestrators ask a service: `/healthz` (is the process alive), `/readyz` (can it work, and if not
/// why), `/metrics`, `/version`. A handler for an `HTTPServer`, usually as the fallback of an `RPCServer`.
public enum OperationsRoutes {
    /// - Parameter fallback: takes every other path.
    public static func handler(
        health: HealthRegistry, metrics: MetricsRegistry, build: BuildInformation,
        fallback: (any HTTPServerHandler)? = nil
    ) throws -> Routes {
        var table = RouteTable<any RouteHandler>()
        try add(to: &table, health: health, metrics: metrics, build: build)
        return Routes(table, fallback: fallback)
    }

    /// Adds the routes to a table with others.
    public static func add(
        to table: inout RouteTable<any RouteHandler>, health: HealthRegistry, metrics: MetricsRegistry,
        build: BuildInformation
    ) throws(RouteError) {
        // An answer at all is the answer: whatever else is wrong, a restart would not help it.
        try table.add(.get, "/healthz") { _, responder in
            try await respond(responder, 200, json, "{\"alive\":true,\"build\":\(build.json)}\n")
        }
        try table.add(.get, "/readyz") { _, responder in
            let readiness = health.readiness
            try await respond(responder, readiness.isReady ? 200 : 503, json, readiness.json)
        }
        try table.add(.get, "/version") { _, responder in try await respond(responder, 200, json, build.json + "\n") }
        try table.add(.get, "/metrics") { request, responder in
            let format = MetricsFormat(accept: request.head.fields["accept"])
            try await respond(responder, 200, format.contentType, metrics.text(format))
        }
    }

    private static let json = "application/json"

    private static func respond(
        _ responder: HTTPResponder, _ status: Int, _ type: String, _ text: String
    ) async throws {
        try await responder.respond(
            status, ["content-type": type, "cache-control": "no-store", "vary": "accept"], Array(text.utf8))
    }
}
