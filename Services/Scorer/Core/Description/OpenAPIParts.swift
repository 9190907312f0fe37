import Serving

/// Pieces of an OpenAPI document that come again and again.
enum OpenAPIParts {
    static func reference(_ place: String) -> JSONTree { ["$ref": .string("#/components/\(place)")] }

    static func json(_ schema: JSONTree, example: JSONTree? = nil) -> JSONTree {
        var members: [JSONTree.Member] = [.init(name: "schema", value: schema)]
        if let example { members.append(.init(name: "example", value: example)) }
        return ["application/json": .object(members)]
    }

    /// A body of JSON with the elements of tensors behind it.
    static let bytes: JSONTree = ["schema": ["type": "string", "format": "binary"]]

    /// The answers of an operation: the good one, and the errors that it may give, by status.
    static func responses(
        _ good: JSONTree, _ description: String, errors: [Int], style: String, headers: JSONTree? = nil
    ) -> JSONTree {
        var members: [JSONTree.Member] = [.init(name: "description", value: .string(description))]
        if let headers { members.append(.init(name: "headers", value: headers)) }
        members.append(.init(name: "content", value: good))
        var responses: [JSONTree.Member] = [.init(name: "200", value: .object(members))]
        for status in errors {
            responses.append(
                .init(
                    name: "\(status)",
                    value: [
                        "description": .string(meaning(status)),
                        "content": json(reference("schemas/\(style)")),
                    ]))
        }
        return .object(responses)
    }

    /// Errors that any operation may give that asks who calls.
    static let checked = [401, 403, 404, 429]
    /// And those of an operation that takes a body and asks a model.
    static let scoring = [400, 401, 403, 404, 409, 413, 415, 422, 429, 499, 500, 501, 503, 504]

    static func meaning(_ status: Int) -> String {
        switch status {
        case 400: "The request is not what the model takes; the message says where."
        case 401: "No token came, or none that counts."
        case 403: "The caller's role is too low."
        case 404: "There is no such model or version."
        case 409: "The server's settings do not allow it."
        case 413: "The body is over the limit, which the message names."
        case 415: "The body's content-encoding is not known."
        case 422: "The model's files can't be loaded."
        case 429: "Too many credentials of nobody."
        case 431: "An id is too long."
        case 499: "The caller gave up."
        case 500: "The model failed."
        case 501: "The model can't do that."
        case 503: "The model is not ready, or too many requests wait; Retry-After says when to come again."
        case 504: "The request's time ran out."
        default: "An error."
        }
    }

    static func parameter(_ name: String, in place: String, _ schema: JSONTree, _ description: String) -> JSONTree {
        [
            "name": .string(name), "in": .string(place), "required": .bool(place == "path"), "schema": schema,
            "description": .string(description),
        ]
    }

    static let schemas: JSONTree = [
        "Error": [
            "type": "object", "required": ["error"],
            "properties": ["error": ["type": "string", "description": "What was wrong, for a person."]],
        ],
        "CodedError": [
            "type": "object", "required": ["error_code", "message"],
            "properties": ["error_code": ["type": "string"], "message": ["type": "string"]],
        ],
        "PlainError": [
            "type": "object", "required": ["code", "message"],
            "properties": ["code": ["type": "string"], "message": ["type": "string"]],
        ],
        "Tensor": [
            "type": "object", "required": ["name", "datatype", "shape"],
            "properties": [
                "name": ["type": "string"],
                "datatype": ["type": "string", "enum": .strings(Datatype.allCases.map(\.name))],
                "shape": ["type": "array", "items": ["type": "integer"]],
            ],
        ],
        "Model": [
            "type": "object", "required": ["name", "versions", "platform", "inputs", "outputs"],
            "properties": [
                "name": ["type": "string"], "versions": ["type": "array", "items": ["type": "string"]],
                "platform": ["type": "string"],
                "inputs": ["type": "array", "items": reference("schemas/Tensor")],
                "outputs": ["type": "array", "items": reference("schemas/Tensor")],
            ],
        ],
        "Statistics": [
            "type": "object", "required": ["model_stats"],
            "properties": ["model_stats": ["type": "array", "items": ["type": "object"]]],
        ],
        "Ready": [
            "type": "object", "required": ["ready"],
            "properties": ["name": ["type": "string"], "ready": ["type": "boolean"]],
        ],
        "Index": [
            "type": "array",
            "items": [
                "type": "object", "required": ["name", "version", "state"],
                "properties": [
                    "name": ["type": "string"], "version": ["type": "string"],
                    "state": ["type": "string", "enum": ["READY", "LOADING", "UNLOADING", "UNAVAILABLE"]],
                    "reason": ["type": "string"],
                ],
            ],
        ],
        "InferAnswer": [
            "type": "object", "required": ["model_name", "model_version", "outputs"],
            "properties": [
                "model_name": ["type": "string"], "model_version": ["type": "string"], "id": ["type": "string"],
                "outputs": ["type": "array", "items": reference("schemas/Tensor")],
            ],
        ],
        "Parameters": [
            "type": "object",
            "properties": [
                "timeout": ["type": "integer", "minimum": 0, "description": "Microseconds; 0 is the server's own."],
                "priority": ["type": "integer", "minimum": 0, "description": "Higher is sooner."],
                "binary_data_output": ["type": "boolean"],
            ],
        ],
        "Anything": [:],
    ]
}
