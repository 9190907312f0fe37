import ServiceKit
import Serving

/// What `/score` takes and gives, in the form that Azure's tools read: Swagger 2 with `ServiceInput` and `ServiceOutput`.
struct SwaggerDocument {
    let build: BuildInformation
    let summary: ModelSummary

    var tree: JSONTree {
        let operations = ModelOperations(summary: summary)
        let error: JSONTree = ["description": "An error.", "schema": ["$ref": "#/definitions/ErrorResponse"]]
        return [
            "swagger": "2.0",
            "info": [
                "title": .string(summary.name), "version": .string("\(summary.version)"),
                "description": .string("The model \(summary.name), served by slipway \(build.version)."),
            ],
            "schemes": ["https", "http"], "consumes": ["application/json"], "produces": ["application/json"],
            "securityDefinitions": [
                "Bearer": [
                    "type": "apiKey", "name": "Authorization", "in": "header",
                    "description": "Bearer and a key: Bearer abc123",
                ]
            ],
            "paths": [
                "/": [
                    "get": [
                        "operationId": "ServiceHealthCheck", "description": "Whether the server answers.",
                        "produces": ["text/plain"],
                        "responses": [
                            "200": [
                                "description": "It does.", "schema": ["type": "string"],
                                "examples": ["text/plain": "Healthy"],
                            ], "default": error,
                        ],
                    ]
                ],
                "/score": [
                    "post": [
                        "operationId": "RunMLService", "description": "Has the model answer.",
                        "security": [["Bearer": []]],
                        "parameters": [
                            [
                                "name": "serviceInputPayload", "in": "body", "required": true,
                                "schema": ["$ref": "#/definitions/ServiceInput"],
                            ]
                        ],
                        "responses": [
                            "200": [
                                "description": "The answer.", "schema": ["$ref": "#/definitions/ServiceOutput"],
                            ], "default": error,
                        ],
                    ]
                ],
            ],
            "definitions": [
                "ServiceInput": with(
                    operations.rowsExample(member: "data"), operations.rowsRequest(member: "data")),
                "ServiceOutput": with(operations.rowsAnswerExample, operations.rowsAnswer),
                "ErrorResponse": ["type": "object", "properties": ["error": ["type": "string"]]],
            ],
        ]
    }

    private func with(_ example: JSONTree?, _ schema: JSONTree) -> JSONTree {
        guard let example, case .object(let members) = schema else { return schema }
        return .object(members + [.init(name: "example", value: example)])
    }
}
