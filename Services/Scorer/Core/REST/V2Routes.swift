public import Access
import HTTP
import Protobuf
import Serving

/// The Open Inference Protocol over REST, with the routes beyond it that Triton's clients ask for.
public struct V2Routes: Sendable {
    let point: ScoringPoint

    public init(_ point: ScoringPoint) { self.point = point }

    /// - Throws: `RouteError` where a route is taken already.
    public func add(to routes: inout AccessRoutes) throws {
        let read = Requirement.workspace(.reader)
        let change = Requirement.workspace(.contributor)
        try add(&routes, .get, "/v2", read) { routes, _ in .ok(routes.server) }
        try add(&routes, .get, "/v2/health/live", .anyone) { _, _ in .ok(["live": true]) }
        try add(&routes, .get, "/v2/health/ready", .anyone) { routes, _ in
            let isReady = routes.point.serving.isReady
            return .init(status: isReady ? 200 : 503, ["ready": .bool(isReady)])
        }
        try add(&routes, .get, "/v2/models/stats", read) { routes, _ in try routes.statistics(of: nil) }
        for pattern in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
            try add(&routes, .get, pattern, read) { .ok(V2Documents.model(try $0.summary($1))) }
            try add(&routes, .get, pattern + "/ready", read) { try $0.readiness(try V2Routes.model($1)) }
            try add(&routes, .get, pattern + "/config", read) { .ok(ModelConfigText.tree(try $0.summary($1))) }
            try add(&routes, .get, pattern + "/stats", read) { try $0.statistics(of: try V2Routes.model($1)) }
            try routes.add(.post, pattern + "/infer", requires: read, failing: failing) { request, _, responder in
                try await infer(request, responder)
            }
        }
        try routes.add(.post, "/v2/repository/index", requires: read, failing: failing) { request, _, responder in
            try await index(request, responder)
        }
        try routes.add(.post, "/v2/repository/models/{model}/load", requires: change, failing: failing) {
            request, _, responder in try await load(request, responder)
        }
        try routes.add(.post, "/v2/repository/models/{model}/unload", requires: change, failing: failing) {
            request, _, responder in
            try await point.serving.unload(try LoadOptions.name(request.parameters["model"] ?? ""))
            try await responder.respond(200, ["content-type": "application/json"], Array("{}".utf8))
        }
    }

    // MARK: short answers

    private struct Answer {
        var status: Int
        var tree: JSONTree

        init(status: Int, _ tree: JSONTree) {
            self.status = status
            self.tree = tree
        }

        static func ok(_ tree: JSONTree) -> Answer { Answer(status: 200, tree) }
    }

    private func add(
        _ routes: inout AccessRoutes, _ method: HTTPMethod, _ pattern: String, _ requirement: Requirement,
        _ answer: @escaping @Sendable (V2Routes, HTTPRequest) throws -> Answer
    ) throws {
        try routes.add(method, pattern, requires: requirement, failing: failing) { request, _, responder in
            let answer = try answer(self, request)
            try await responder.respond(answer.status, ["content-type": "application/json"], answer.tree.bytes)
        }
    }

    /// Errors are `{"error": "…"}`.
    private var failing: AccessRoutes.Failing {
        { [limit = point.bodyLimit] error, _, responder in
            let failure = RouteFailure(error, limit: limit)
            guard failure.status != 500 || error is ServingError else { throw error }
            var fields = failure.fields
            fields.set("content-type", "application/json")
            let body: JSONTree = ["error": .string(failure.message)]
            try await responder.respond(failure.status, fields, body.bytes)
        }
    }

    private static func model(_ request: HTTPRequest) throws(ServingError) -> ModelReference {
        try ModelText.reference(request.parameters["model"] ?? "", request.parameters["version"] ?? "")
    }

    private func summary(_ request: HTTPRequest) throws -> ModelSummary {
        try point.serving.summary(of: try V2Routes.model(request))
    }

    private var server: JSONTree {
        [
            "name": .string("slipway-\(point.build.service)"), "version": .string(point.build.version),
            "extensions": .strings(InferenceService.extensions),
        ]
    }

    private func readiness(_ model: ModelReference) throws -> Answer {
        if point.serving.isReady(model) { return .ok(["name": .string(model.name), "ready": true]) }
        // Says which of them it is: not there, or not ready.
        do { _ = try point.serving.summary(of: model) } catch  where error.kind == .notFound { throw error } catch {}
        return Answer(status: 503, ["name": .string(model.name), "ready": false])
    }

    private func statistics(of model: ModelReference?) throws -> Answer {
        let statistics = try point.serving.statistics(of: model)
        return .ok(["model_stats": .array(statistics.map { StatisticsText.tree($0) })])
    }

    // MARK: answers that take their time

    private func infer(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let model = try V2Routes.model(request)
        let body = try await RequestBody.collect(request, limit: point.bodyLimit)
        let message: V2Request
        switch request.head.fields["inference-header-content-length"] {
        case nil: message = try V2Request(body, headerLength: nil)
        case let text?:
            guard let length = Int(text) else {
                throw ServingError(.invalidInput, "Inference-Header-Content-Length is \"\(text)\", which is no number")
            }
            message = length == 0 ? try bare(body, model) : try V2Request(body, headerLength: length)
        }
        var circumstances = RequestFacts.circumstances(request)
        circumstances.parameters = message.parameters.others
        let answer = try await point.infer(
            InferenceRequest(
                model: model, inputs: message.inputs, outputs: message.outputNames, id: message.id,
                priority: message.parameters.priority, circumstances: circumstances),
            timeout: message.parameters.timeout, correlation: RequestFacts.correlation(request.head.fields))
        var fields = HeaderFields()
        if point.settings.timing { fields.add(TimingText.field, TimingText.of(answer.timing)) }
        try await V2Answer(answer, to: message).send(responder, fields: fields)
    }

    /// A request that is nothing but the elements of the model's only input.
    private func bare(_ body: Bytes, _ model: ModelReference) throws -> V2Request {
        let summary = try point.serving.summary(of: model)
        guard summary.inputs.count == 1, let input = summary.inputs.first else {
            throw ServingError(
                .invalidInput,
                "a body of bytes alone is for models with one input; '\(summary.name)' has \(summary.inputs.count)")
        }
        return try V2Request(bare: body, for: input)
    }

    private func index(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let body = try await RequestBody.collect(request, limit: point.bodyLimit)
        var readyOnly = false
        if !body.isEmpty {
            try JSONCursor.read(body) { cursor throws(JSONProblem) in
                try cursor.object { cursor, name throws(JSONProblem) in
                    if name == "ready" { readyOnly = try cursor.bool() } else { try cursor.skip() }
                }
            }
        }
        let list = point.serving.list().filter { !readyOnly || $0.state == .ready }
        try await responder.respond(
            200, ["content-type": "application/json"], JSONTree.array(list.map { V2Documents.status($0) }).bytes)
    }

    private func load(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let body = try await RequestBody.collect(request, limit: point.bodyLimit)
        let options = body.isEmpty ? [:] : try V2Documents.loadOptions(body)
        try await point.serving.load(try LoadOptions.name(request.parameters["model"] ?? ""), options: options)
        try await responder.respond(200, ["content-type": "application/json"], Array("{}".utf8))
    }
}
