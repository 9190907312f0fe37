import ServiceKit
import Serving

/// What the server offers over plain HTTP, as an OpenAPI 3 document, with the signatures of its models.
struct OpenAPIDocument {
    let build: BuildInformation
    /// Of every model that is ready, its newest version.
    let models: [ModelSummary]
    /// The model behind `/score` and `/invocations`, where there is one.
    let usual: ModelSummary?
    /// Nobody has to say who calls.
    let isOpen: Bool

    var tree: JSONTree {
        var paths: [JSONTree.Member] = [
            .init(name: "/", value: ["get": healthy]),
            .init(name: "/v2", value: ["get": get("server", "What the server is.", ["type": "object"])]),
            .init(name: "/v2/health/live", value: ["get": health("live", [])]),
            .init(name: "/v2/health/ready", value: ["get": health("ready", [503])]),
            .init(name: "/ping", value: ["get": ping]),
            .init(
                name: "/v2/models/stats",
                value: ["get": get("statistics", "Counts and times of all models.", reference("Statistics"))]),
            .init(name: "/v2/repository/index", value: ["post": index]),
            .init(name: "/openapi.json", value: ["get": get("openapi", "This document.", ["type": "object"])]),
        ]
        paths += modelPaths
        if let usual { paths += rowPaths(usual) }
        var members: [JSONTree.Member] = [
            .init(name: "openapi", value: "3.0.3"),
            .init(
                name: "info",
                value: [
                    "title": .string("slipway \(build.service)"), "version": .string(build.version),
                    "description":
                        "Models, in the dialects of the Open Inference Protocol, Azure Machine Learning, SageMaker and MLflow.",
                ]),
            .init(name: "paths", value: .object(paths)),
            .init(name: "components", value: components),
        ]
        if !isOpen { members.append(.init(name: "security", value: [["bearer": []]])) }
        return .object(members)
    }

    private var components: JSONTree {
        var members: [JSONTree.Member] = [.init(name: "schemas", value: OpenAPIParts.schemas)]
        if !isOpen {
            members.append(
                .init(name: "securitySchemes", value: ["bearer": ["type": "http", "scheme": "bearer"]]))
        }
        return .object(members)
    }

    private func reference(_ schema: String) -> JSONTree { OpenAPIParts.reference("schemas/\(schema)") }

    // MARK: operations

    private func get(
        _ id: String, _ description: String, _ schema: JSONTree, parameters: [JSONTree] = [],
        errors: [Int] = OpenAPIParts.checked
    ) -> JSONTree {
        var members: [JSONTree.Member] = [
            .init(name: "operationId", value: .string(id)), .init(name: "summary", value: .string(description)),
        ]
        if !parameters.isEmpty { members.append(.init(name: "parameters", value: .array(parameters))) }
        let style = id == "openapi" ? "PlainError" : "Error"
        members.append(
            .init(
                name: "responses",
                value: OpenAPIParts.responses(OpenAPIParts.json(schema), description, errors: errors, style: style)))
        return .object(members)
    }

    private func post(
        _ id: String, _ description: String, body: JSONTree, _ schema: JSONTree, style: String = "Error",
        errors: [Int] = OpenAPIParts.scoring, parameters: [JSONTree] = [], headers: JSONTree? = nil,
        isRequired: Bool = true, mayBeBinary: Bool = false
    ) -> JSONTree {
        var members: [JSONTree.Member] = [
            .init(name: "operationId", value: .string(id)), .init(name: "summary", value: .string(description)),
        ]
        if !parameters.isEmpty { members.append(.init(name: "parameters", value: .array(parameters))) }
        var content: [JSONTree.Member] = [.init(name: "application/json", value: ["schema": schema])]
        if mayBeBinary { content.append(.init(name: "application/octet-stream", value: OpenAPIParts.bytes)) }
        members += [
            .init(name: "requestBody", value: ["required": .bool(isRequired), "content": body]),
            .init(
                name: "responses",
                value: OpenAPIParts.responses(
                    .object(content), description, errors: errors, style: style, headers: headers)),
        ]
        return .object(members)
    }

    private var healthy: JSONTree {
        [
            "operationId": "healthy", "summary": "Whether the server answers.", "security": [],
            "responses": [
                "200": ["description": "It does.", "content": ["text/plain": ["schema": ["type": "string"]]]]
            ],
        ]
    }

    private var ping: JSONTree {
        [
            "operationId": "ping", "summary": "Whether the server is ready.", "security": [],
            "responses": [
                "200": ["description": "It is.", "content": ["text/plain": ["schema": ["type": "string"]]]],
                "503": ["description": "Not yet.", "content": ["text/plain": ["schema": ["type": "string"]]]],
            ],
        ]
    }

    private func health(_ name: String, _ others: [Int]) -> JSONTree {
        let schema: JSONTree = [
            "type": "object", "required": [.string(name)],
            "properties": .object([.init(name: name, value: ["type": "boolean"])]),
        ]
        var responses: [JSONTree.Member] = [
            .init(name: "200", value: ["description": "Yes.", "content": OpenAPIParts.json(schema)])
        ]
        for status in others {
            responses.append(
                .init(name: "\(status)", value: ["description": "No.", "content": OpenAPIParts.json(schema)]))
        }
        return [
            "operationId": .string(name), "summary": .string("Whether the server is \(name)."), "security": [],
            "responses": .object(responses),
        ]
    }

    private var index: JSONTree {
        let body: JSONTree = ["type": "object", "properties": ["ready": ["type": "boolean"]]]
        return post(
            "index", "Every version that the server knows.", body: OpenAPIParts.json(body), reference("Index"),
            errors: [400, 401, 403, 413, 415, 429], isRequired: false)
    }

    // MARK: models

    private var modelPaths: [JSONTree.Member] {
        let name: JSONTree = ["type": "string", "minLength": 1]
        let model = OpenAPIParts.parameter("model", in: "path", name, "The model.")
        let version = OpenAPIParts.parameter("version", in: "path", name, "Its version.")
        var paths: [JSONTree.Member] = []
        for (pattern, suffix, parameters) in [
            ("/v2/models/{model}", "", [model]),
            ("/v2/models/{model}/versions/{version}", "OfVersion", [model, version]),
        ] {
            func add(_ ending: String, _ id: String, _ description: String, _ schema: JSONTree, _ errors: [Int]) {
                let operation = get(id + suffix, description, schema, parameters: parameters, errors: errors)
                paths.append(.init(name: pattern + ending, value: ["get": operation]))
            }
            let errors = OpenAPIParts.checked + [503]
            add("", "model", "What a model takes and gives.", reference("Model"), [400] + errors)
            add("/ready", "modelReady", "Whether a model is ready.", reference("Ready"), [400] + OpenAPIParts.checked)
            add("/config", "modelConfiguration", "A model's configuration.", ["type": "object"], [400] + errors)
            add("/stats", "modelStatistics", "Counts and times of a model.", reference("Statistics"), [400] + errors)
        }
        for summary in models {
            let operations = ModelOperations(summary: summary)
            let operation = post(
                "infer_\(summary.name)", "Has \(summary.name) answer.",
                body: OpenAPIParts.json(operations.inferRequest, example: operations.inferExample),
                reference("InferAnswer"), headers: timing, mayBeBinary: true)
            let path = "/v2/models/\(OpenAPIDocument.escaped(summary.name))/infer"
            paths.append(.init(name: path, value: ["post": operation]))
        }
        return paths
    }

    private var timing: JSONTree {
        [
            "slipway-timing": [
                "description": "Where the request's time went.", "schema": ["type": "string"],
            ]
        ]
    }

    private func rowPaths(_ summary: ModelSummary) -> [JSONTree.Member] {
        let operations = ModelOperations(summary: summary)
        let score = post(
            "score", "Has the model answer.",
            body: OpenAPIParts.json(
                operations.rowsRequest(member: "data"), example: operations.rowsExample(member: "data")),
            operations.rowsAnswer, errors: OpenAPIParts.scoring + [431],
            parameters: [
                OpenAPIParts.parameter(
                    "x-ms-client-request-id", in: "header", ["type": "string", "maxLength": 100],
                    "The caller's name for the request, which the answer repeats.")
            ], headers: timing)
        let invocations = post(
            "invocations", "Has the model answer.",
            body: OpenAPIParts.json(
                operations.rowsRequest(member: "inputs"), example: operations.rowsExample(member: "inputs")),
            operations.rowsAnswer, style: "CodedError", headers: timing)
        return [
            .init(name: "/score", value: ["get": queried(operations), "post": score]),
            .init(name: "/invocations", value: ["post": invocations]),
        ]
    }

    /// `/score` without a body: for scripts that look at nothing but the request's target.
    private func queried(_ operations: ModelOperations) -> JSONTree {
        [
            "operationId": "scoreQuery", "summary": "Has the model answer a request without a body.",
            "responses": OpenAPIParts.responses(
                OpenAPIParts.json(operations.rowsAnswer), "The answer.", errors: OpenAPIParts.scoring + [431],
                style: "Error"),
        ]
    }

    /// A name as a part of a path.
    private static func escaped(_ name: String) -> String {
        var escaped = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(UnicodeScalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
