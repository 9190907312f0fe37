public import Access
import HTTP
import Serving

/// Documents from which clients are made: `/openapi.json`, and Azure's `/swagger.json`.
public struct DescriptionRoutes: Sendable {
    private let point: ScoringPoint

    public init(_ point: ScoringPoint) { self.point = point }

    /// - Throws: `RouteError` where a route is taken already.
    public func add(to routes: inout AccessRoutes) throws {
        let isOpen = routes.isOpen
        try routes.add(.get, "/openapi.json", requires: .workspace(.reader)) { _, _, responder in
            try await responder.respond(200, json, document(isOpen).tree.bytes)
        }
        try routes.add(.get, "/swagger.json", requires: .workspace(.reader)) { request, _, responder in
            let wantsThree = request.head.query?.split(separator: "&").contains("version=3") == true
            if wantsThree { return try await responder.respond(200, json, document(isOpen).tree.bytes) }
            let summary = try point.serving.summary(of: try point.usualModel())
            let swagger = SwaggerDocument(build: point.build, summary: summary)
            try await responder.respond(200, json, swagger.tree.bytes)
        }
    }

    private var json: HeaderFields { ["content-type": "application/json"] }

    private func document(_ isOpen: Bool) -> OpenAPIDocument {
        var names: Set<String> = []
        for status in point.serving.list() where status.state == .ready { names.insert(status.name) }
        let models = names.sorted().compactMap { try? point.serving.summary(of: ModelReference(name: $0)) }
        let usual = (try? point.usualModel()).flatMap { try? point.serving.summary(of: $0) }
        return OpenAPIDocument(build: point.build, models: models, usual: usual, isOpen: isOpen)
    }
}
