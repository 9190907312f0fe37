internal import HTTP
internal import Loop

/// Speaks the Engine API with one engine. Usable from any task. Nothing of it stays broken when the engine restarts: the
/// next call connects anew, and asks again which version is spoken.
final class EngineClient: Sendable {
    typealias Query = KeyValuePairs<String, String>

    /// What came back.
    struct Answer: Sendable {
        var status: Int
        var bytes: [UInt8]
        /// The engine's own clock, in seconds since 1970, where it said.
        var date: Int64?

        func value(keeping keys: Set<String>? = nil) throws(EngineError) -> EngineValue {
            try EngineValue(json: bytes[...], keeping: keys)
        }
    }

    /// Larger than any answer: 10,000 containers are 30 MB.
    private static let answerLimit = 256 << 20
    private static let messageLimit = 64 << 10

    let address: EngineAddress
    private let calls: HTTPClient
    /// Streams stay open: they must not take the connections of calls.
    private let streams: HTTPClient
    private let scheme: String
    private let patience: Duration
    private let known = Lock<EngineFacts?>(nil)

    /// - Parameter resolver: must be started, and outlive the client.
    init(_ settings: DockerSettings, loops: LoopGroup, resolver: ComputePool) throws(TargetError) {
        let certificates = settings.certificates
        address = settings.address
        patience = settings.patience
        var configuration = HTTPClient.Configuration(wanted: .http11)
        if address.wantsTLS || !certificates.isEmpty {
            do {
                configuration.tls = try TLSContext(certificates.configuration, role: .client)
            } catch {
                throw TargetError(.refused, "the certificates for \(address) can't be used: \(error)")
            }
        }
        scheme = configuration.tls == nil ? "http" : "https"
        configuration.connectionsPerOrigin = 32
        // An engine that unpacks a layer reads no more of the next one meanwhile.
        configuration.limits.bodyTimeout = .seconds(600)
        calls = HTTPClient(loops: loops, resolver: resolver, configuration: configuration)
        configuration.connectionsPerOrigin = 4096
        streams = HTTPClient(loops: loops, resolver: resolver, configuration: configuration)
    }

    func close() async {
        await calls.close()
        await streams.close()
    }

    /// What the engine is. Asked once for each time that it was lost.
    func facts() async throws(EngineError) -> EngineFacts {
        if let facts = known.withLock({ $0 }) { return facts }
        let answer = try await exchange(.get, "/version", [:], .none, nil, patience)
        let facts = try EngineFacts(answer.value())
        known.withLock { $0 = facts }
        return facts
    }

    /// A call with an answer that is read whole.
    /// - Throws: `EngineError`; `.refused` with the engine's own words for every status of 400 or more.
    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: String, _ query: Query = [:], _ body: HTTPClient.Body = .none,
        type: String = "application/json", deadline: Duration? = nil
    ) async throws(EngineError) -> Answer {
        let version = try await facts().spoken
        return try await exchange(method, "/v\(version)\(path)", query, body, type, deadline ?? patience)
    }

    private func exchange(
        _ method: HTTPMethod, _ path: String, _ query: Query, _ body: HTTPClient.Body, _ type: String?,
        _ deadline: Duration
    ) async throws(EngineError) -> Answer {
        do {
            return try await calls.execute(
                head(method, path, query, body, type), body, address: address.socket, deadline: deadline
            ) { head, content in
                try await Self.check(head, content)
                let bytes = try await content.collect(upTo: Self.answerLimit)
                return Answer(
                    status: head.status, bytes: bytes,
                    date: head.fields["date"].flatMap(EngineTime.seconds(ofHTTPDate:)))
            }
        } catch {
            throw understood(error)
        }
    }

    /// A call whose answer is read piece by piece, for as long as it comes.
    /// - Throws: `EngineError`, or what `read` throws; `CancellationError` where the task was cancelled.
    func stream<Result: Sendable>(
        _ method: HTTPMethod, _ path: String, _ query: Query = [:], _ body: HTTPClient.Body = .none,
        type: String = "application/json", deadline: Duration? = nil,
        _ read: @Sendable (HTTPBody) async throws -> Result
    ) async throws -> Result {
        let version = try await facts().spoken
        do {
            return try await streams.execute(
                head(method, "/v\(version)\(path)", query, body, type), body, address: address.socket,
                deadline: deadline
            ) { head, content in
                try await Self.check(head, content)
                return try await read(content)
            }
        } catch let error as HTTPExchangeError {
            throw understood(error)
        }
    }

    private func head(
        _ method: HTTPMethod, _ path: String, _ query: Query, _ body: HTTPClient.Body, _ type: String?
    ) -> RequestHead {
        let words = query.map { "\($0.key)=\(Self.escaped($0.value))" }
        let target = path + (words.isEmpty ? "" : "?" + words.joined(separator: "&"))
        var head = RequestHead(
            method: method, scheme: scheme, authority: address.authority, path: target, version: .http11)
        if case .none = body {} else if let type { head.fields.set("content-type", type) }
        head.fields.set("user-agent", "slipway-deployer")
        return head
    }

    /// Text as a part of a path or of a query.
    static func escaped(_ text: String) -> String {
        PercentEncoding.encode(text.utf8) { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
            default: false
            }
        }
    }

    private static func check(_ head: ResponseHead, _ content: HTTPBody) async throws {
        guard head.status >= 400 else { return }
        var bytes: [UInt8] = []
        for try await piece in content where bytes.count < messageLimit { bytes += piece }
        let said = (try? EngineValue(json: bytes[...])) ?? .null
        let message = [said["message"].text, said["cause"].text].compactMap(\.self).first { !$0.isEmpty }
        let plain = String(decoding: bytes.prefix(500), as: UTF8.self)
        throw EngineError(
            .refused(head.status), "\(message ?? (plain.isEmpty ? "no reason given" : plain)) (status \(head.status))")
    }

    /// What became of an exchange. An engine that was lost may come back as another one.
    private func understood(_ error: any Error) -> EngineError {
        if let error = error as? EngineError { return error }
        let reason: String
        switch error {
        case let error as HTTPExchangeError:
            if case .bodyTooLarge = error { return EngineError(.garbled, "\(address): \(error)") }
            if case .deadlineExceeded(let limit) = error {
                reason = "\(address) did not answer within \(limit)"
            } else {
                reason = "\(address) can't be reached: \(error)"
            }
        case is CancellationError: return EngineError(.unreachable, "the call to \(address) was given up")
        default: reason = "\(address): \(error)"
        }
        known.withLock { $0 = nil }
        return EngineError(.unreachable, reason)
    }
}
