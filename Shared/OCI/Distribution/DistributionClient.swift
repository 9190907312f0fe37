internal import Loop
public import Outbound
internal import Protobuf

/// Speaks the OCI distribution API to one registry after another. Tokens are kept for as long as the client lives.
public final class DistributionClient: Sendable {
    let client: OutboundClient
    let settings: RegistrySettings
    /// `Authorization` by registry and scope.
    private let authorisations = Lock<[String: String]>([:])

    public init(_ client: OutboundClient, settings: RegistrySettings = RegistrySettings()) {
        self.client = client
        self.settings = settings
    }

    /// One request with everything that may be needed around it: a token, another try, the registry's own words.
    ///
    /// - Parameters:
    ///   - path: behind `/v2/NAME/`; or a whole URL that the registry gave, which must be its own to get the token.
    ///   - accepted: what is no error besides 2xx.
    /// - Throws: `OCIError`.
    func send(
        _ method: String, _ place: ImageReference, _ path: String, headers: [(name: String, value: String)] = [],
        body: OutboundBody = .none, accepted: Set<Int> = [], pushes: Bool = false
    ) async throws -> OutboundResponse {
        let base = settings.address(of: place.registry)
        let isWhole = path.hasPrefix("http://") || path.hasPrefix("https://")
        let url = isWhole ? path : path.hasPrefix("/") ? base + path : "\(base)/v2/\(place.repository)/\(path)"
        let scope = "repository:\(place.repository):\(pushes ? "pull,push" : "pull")"
        let isTheirs = url.hasPrefix(base + "/")
        var request = OutboundRequest(
            method, url, headers: headers, body: body, redirectsMax: method == "GET" || method == "HEAD" ? 5 : 0,
            stallTimeout: .seconds(60), trust: settings.trust)
        // A stream can't be sent twice.
        var triesLeft = if case .stream = body { 0 } else { settings.retriesMax }
        var hasAsked = false
        var delay = settings.retryDelay
        while true {
            let known = isTheirs ? authorisations.withLock { $0[place.registry + " " + scope] } : nil
            request.headers = headers + (known.map { [("authorization", $0)] } ?? [])
            do {
                let response = try await client.send(request)
                if (200..<300).contains(response.status) || accepted.contains(response.status) { return response }
                if response.status == 401, isTheirs, !hasAsked, let header = response.header("www-authenticate") {
                    hasAsked = true
                    try await authenticate(place.registry, header, scope: scope)
                    if case .stream = body { throw OCIError(.unavailable, "the registry asks for another token") }
                    continue
                }
                guard triesLeft > 0, response.status == 429 || response.status >= 500 else {
                    throw await failure(response, method, place)
                }
                if let asked = response.header("retry-after").flatMap(Int64.init) {
                    delay = max(delay, .seconds(min(asked, 60)))
                }
            } catch let error as OutboundError {
                guard error.isTransient, triesLeft > 0 else { throw OCIError(error, place.registry) }
            }
            triesLeft -= 1
            try await client.loop.sleep(for: delay)
            delay *= 2
        }
    }

    private func authenticate(_ registry: String, _ header: String, scope: String) async throws {
        let credentials = try await settings.credentials(registry)
        let basic = credentials.map { "Basic " + Base64.encode(Array("\($0.user):\($0.password)".utf8)[...]) }
        switch AuthenticationChallenge(header) {
        case .basic:
            guard let basic else {
                throw OCIError(.unauthorised, "\(registry) wants a user and a password, and none is known for it")
            }
            authorisations.withLock { $0[registry + " " + scope] = basic }
        case .bearer(let realm, let service, let asked):
            // A password doesn't travel in the open because a registry says so.
            guard realm.hasPrefix("https://") || settings.address(of: registry).hasPrefix("http://") else {
                throw OCIError(.unsupported, "\(registry) wants its password sent without TLS, to \(realm.prefix(200))")
            }
            let separator = realm.contains("?") ? "&" : "?"
            let query =
                "\(separator)service=\(percentEncoded(service))&scope=\(percentEncoded(asked.isEmpty ? scope : asked))"
            let response: OutboundResponse
            do {
                response = try await client.send(
                    OutboundRequest(
                        "GET", realm + query, headers: basic.map { [("authorization", $0)] } ?? [], redirectsMax: 3,
                        timeout: .seconds(60), trust: settings.trust))
            } catch let error as OutboundError {
                throw OCIError(error, "the token server of \(registry)")
            }
            guard response.status == 200 else {
                let who = credentials.map { "user \($0.user)" } ?? "nobody in particular"
                throw OCIError(.unauthorised, "\(registry) gives \(who) no token: status \(response.status)")
            }
            let token = try TokenAnswer.token(in: await response.body.collect(upTo: 1 << 20)[...])
            authorisations.withLock { $0[registry + " " + scope] = "Bearer " + token }
        case nil:
            throw OCIError(.unsupported, "\(registry) asks for an authentication that is not understood")
        }
    }

    /// What the registry said of a failure, cut to what a person reads.
    private func failure(_ response: OutboundResponse, _ method: String, _ place: ImageReference) async -> OCIError {
        let body = (try? await response.body.collect(upTo: 1 << 16)) ?? []
        let said = RegistryFailure.texts(in: body[...]).prefix(3).joined(separator: "; ").prefix(500)
        let message =
            "\(place.registry) answers \(response.status) to \(method) in \(place.repository)"
            + (said.isEmpty ? "" : ": \(said)")
        return switch response.status {
        case 401: OCIError(.unauthorised, message)
        case 403: OCIError(.denied, message)
        case 404: OCIError(.notFound, message)
        case 429: OCIError(.throttled, message)
        case 500...: OCIError(.unavailable, message)
        default: OCIError(.malformed, message)
        }
    }
}

extension OCIError {
    init(_ error: OutboundError, _ whom: String) {
        switch error.code {
        case .unknownHost, .unreachable, .timedOut, .broken: self.init(.unavailable, "\(whom): \(error.message)")
        case .refused: self.init(.refused, "\(whom): \(error.message)")
        case .untrusted: self.init(.unauthorised, "\(whom): \(error.message)")
        case .tooLarge: self.init(.tooLarge, "\(whom): \(error.message)")
        case .invalidRequest: self.init(.malformed, "\(whom): \(error.message)")
        case .cancelled, .resources: self.init(.resources, "\(whom): \(error.message)")
        }
    }
}

/// `{"token": …}`, or `access_token` as OAuth calls it.
private enum TokenAnswer {
    static func token(in bytes: Bytes) throws -> String {
        var (token, access): (String, String) = ("", "")
        try DocumentReader.read(bytes, "token server's answer") { key, json in
            switch key {
            case "token": token = try json.string()
            case "access_token": access = try json.string()
            default: try json.skipValue()
            }
        }
        let found = token.isEmpty ? access : token
        guard !found.isEmpty, found.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw OCIError(.malformed, "the token server's answer holds no token")
        }
        return found
    }
}

/// `{"errors": [{"code", "message"}]}`.
private enum RegistryFailure {
    static func texts(in bytes: Bytes) -> [String] {
        var texts: [String] = []
        try? DocumentReader.read(bytes, "failure") { key, json in
            guard key == "errors" else { return try json.skipValue() }
            try json.elements { json in
                var (code, message): (String, String) = ("", "")
                try json.members { key, json in
                    switch key {
                    case "code": code = try json.string()
                    case "message": message = try json.string()
                    default: try json.skipValue()
                    }
                }
                texts.append(message.isEmpty ? code : "\(code): \(message)")
            }
        }
        return texts
    }
}

func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    return text.utf8.reduce(into: "") { result, byte in
        let character = Character(Unicode.Scalar(byte))
        if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
            result.append(character)
        } else {
            result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
    }
}
