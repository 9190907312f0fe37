import CommandLineKit
import HTTP
import Loop

/// A request to an endpoint, over HTTP/1.1 or what TLS agrees on.
struct EndpointCall: Sendable {
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
        let requestID: String
        let revision: String
        let retryAfter: String

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    var address: EndpointAddress
    var key: String?
    /// PEM files.
    var authorities: String?
    var certificate: String?
    var certificateKey: String?
    var timeout: Duration

    private static let answerBytesMax = 256 << 20

    /// - Throws: `Failure` where nobody answers.
    func post(_ path: String, _ body: [UInt8], type: String, fields: [(name: String, value: String)]) async throws
        -> Answer
    {
        let loops = try LoopGroup(count: 1, name: "score")
        try loops.start()
        let resolver = ComputePool(threads: 1, name: "resolve")
        try resolver.start()
        var configuration = HTTPClient.Configuration()
        if address.isSecure {
            do {
                configuration.tls = try TLSContext(
                    TLSConfiguration(certificateFile: certificate, keyFile: certificateKey, authorityFile: authorities),
                    role: .client)
            } catch { throw Failure(.usage, "\(error)") }
        }
        let client = HTTPClient(loops: loops, resolver: resolver, configuration: configuration)
        var head = RequestHead(
            method: .post, scheme: address.isSecure ? "https" : "http", authority: address.authority,
            path: address.path + path)
        head.fields.add("content-type", type)
        head.fields.add("accept", "*/*")
        head.fields.add("user-agent", "slipway-cli/\(SlipwayProgram.version)")
        if let key { head.fields.add("authorization", "Bearer \(key)") }
        for field in fields { head.fields.add(field.name, field.value) }
        let answer: Result<Answer, any Error>
        do {
            answer = .success(
                try await client.execute(head, .bytes(body), deadline: timeout) { head, body in
                    Answer(
                        status: head.status, body: try await body.collect(upTo: EndpointCall.answerBytesMax),
                        requestID: head.fields["x-request-id"] ?? head.fields["x-ms-request-id"] ?? "",
                        revision: head.fields["slipway-revision"] ?? "",
                        retryAfter: head.fields["retry-after"] ?? "")
                })
        } catch { answer = .failure(error) }
        await client.close()
        loops.stop()
        resolver.stop()
        do { return try answer.get() } catch is CancellationError { throw CancellationError() } catch {
            throw Failure(.unreachable, "cannot ask \(address): \(DisplayText.harmless("\(error)"))")
        }
    }
}

extension EndpointCall.Answer {
    var isGood: Bool { (200...299).contains(status) }

    /// Why it is none, with what finds it in logs.
    var failure: Failure {
        var lines = reason.split(whereSeparator: \.isNewline).prefix(40).map { DisplayText.harmless(String($0)) }
        if lines.isEmpty { lines = ["the endpoint says nothing more"] }
        var facts = ["HTTP \(status)"]
        if !requestID.isEmpty { facts.append("request \(DisplayText.harmless(requestID))") }
        if !revision.isEmpty { facts.append("revision \(DisplayText.harmless(revision))") }
        if !retryAfter.isEmpty { facts.append("try again in \(DisplayText.harmless(retryAfter)) s") }
        return Failure(code, lines.joined(separator: "\n") + "\n(\(facts.joined(separator: ", ")))")
    }

    /// What the dialects call it: `error`, `message`, or an object with one of them.
    private var reason: String {
        guard let document = try? Document(parsing: text) else { return String(text.prefix(4000)) }
        for key in ["error", "message"] {
            if let words = document[key]?.text ?? document[key]?["message"]?.text { return words }
        }
        return String(text.prefix(4000))
    }

    private var code: ExitCode {
        switch status {
        case 400, 405, 411, 413, 414, 415, 422, 431: .usage
        case 401, 403: .denied
        case 404, 410: .notFound
        case 409, 412: .conflict
        case 408, 429, 502, 503, 504: .unreachable
        default: .failed
        }
    }
}
