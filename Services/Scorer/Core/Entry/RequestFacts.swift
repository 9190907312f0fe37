import HTTP
import Serving

/// What a request says of itself beside its body.
enum RequestFacts {
    /// Fields that prove who calls; models and files of collected rows never see them.
    private static let secret: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-functions-key",
    ]

    static func headers(_ fields: HeaderFields) -> [(name: String, value: String)] {
        fields.filter { !secret.contains($0.name) }
    }

    /// How a request came, for models that look at more than tensors.
    static func circumstances(_ request: HTTPRequest) -> InferenceRequest.Circumstances {
        var circumstances = InferenceRequest.Circumstances()
        circumstances.headers = headers(request.head.fields)
        circumstances.method = "\(request.head.method)"
        circumstances.path = request.head.target
        circumstances.mediaType = request.head.fields["content-type"] ?? ""
        circumstances.traceparent = request.head.fields["traceparent"] ?? ""
        return circumstances
    }

    /// A field's value with whatever is behind its first semicolon cut off, in lower case.
    static func mediaType(_ fields: HeaderFields) -> String {
        let whole = fields["content-type"] ?? ""
        var type = whole.prefix { $0 != ";" }
        while type.last == " " { type.removeLast() }
        return type.lowercased()
    }
}

extension RequestFacts {
    /// What the caller knows a request by, so that it can be joined with what comes later.
    static func correlation(_ fields: HeaderFields) -> String {
        fields["slipway-correlation-id"] ?? fields["x-ms-client-request-id"] ?? fields["x-request-id"] ?? ""
    }
}
