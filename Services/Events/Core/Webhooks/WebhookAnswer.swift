import HTTP

/// What a receiver answered, as far as anybody looks at it.
struct WebhookAnswer: Sendable {
    /// More of an answer than this is not read.
    static let bytesMax = 4096
    /// So much of it is kept, for people.
    static let shownMax = 200

    let status: Int
    /// The beginning of the body.
    let body: [UInt8]
    let retryAfter: String?
    let location: String?
    let allowedOrigin: String?
    let allowedRate: String?

    /// Reads the head and the body's beginning. A body that breaks off or never ends takes nothing from the status.
    init(_ head: ResponseHead, _ pieces: HTTPBody) async {
        status = head.status
        retryAfter = head.fields.text("retry-after")
        location = head.fields.text("location")
        allowedOrigin = head.fields.text("webhook-allowed-origin")
        allowedRate = head.fields.text("webhook-allowed-rate")
        var body: [UInt8] = []
        do {
            for try await piece in pieces {
                body += piece.prefix(WebhookAnswer.bytesMax - body.count)
                if body.count >= WebhookAnswer.bytesMax { break }
            }
        } catch {}
        self.body = body
    }

    /// What becomes of a delivery that was answered so.
    /// - Parameter now: seconds since 1970.
    func outcome(now: Int64) -> (kind: DeliveryOutcome.Kind, text: String) {
        switch status {
        case 200...204: (.delivered, named)
        case 300..<400: (.failed(retryAfter: nil), "\(named): redirects are not followed\(place)")
        case 400, 401, 403, 413: (.refused, said)
        case 410: (.gone, said)
        case 429, 503: (.failed(retryAfter: retryAfter.flatMap { RetryAfter.duration($0, now: now) }), said)
        default: (.failed(retryAfter: nil), said)
        }
    }

    private var place: String { location.map { ", not even to \(WebhookAnswer.printable($0.utf8))" } ?? "" }

    /// `503 Service Unavailable`.
    private var named: String { WebhookAnswer.names[status].map { "\(status) \($0)" } ?? "\(status)" }

    private var said: String {
        let text = WebhookAnswer.printable(body)
        return text.isEmpty ? named : "\(named): \(text)"
    }

    /// Text of others, of which nothing may move a cursor or break a line.
    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        let text = String(decoding: Array(bytes.prefix(shownMax * 4)), as: UTF8.self)
        let words = text.split {
            $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        return String(words.joined(separator: " ").prefix(shownMax))
    }

    private static let names = [
        200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
        301: "Moved Permanently", 302: "Found", 303: "See Other", 307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large", 415: "Unsupported Media Type",
        422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout",
    ]
}
