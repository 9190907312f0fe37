import HTTP
import Loop
import Outbound

/// Sends one request to a receiver and brings back what it said. Every address is checked right before it is connected to,
/// and connections are kept by address: one that is used once more was allowed by the same check, on the same attempt.
final class WebhookClient: Sendable {
    private let loops: LoopGroup
    private let pool: ComputePool
    private let lookup: any HostLookup
    private let addresses: AddressPolicy
    /// One for each set of authorities that a receiver is believed by.
    private let clients = Lock<[String: HTTPClient]>([:])
    private static let clientsMax = 64

    init(loops: LoopGroup, pool: ComputePool, lookup: any HostLookup, addresses: AddressPolicy) {
        self.loops = loops
        self.pool = pool
        self.lookup = lookup
        self.addresses = addresses
    }

    func close() async {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in all { await client.close() }
    }

    /// Why there was no answer.
    struct Failure: Error {
        enum Kind { case forbidden, noAnswer, unreachable, invalid }
        let kind: Kind
        let text: String
    }

    struct Request {
        var method: HTTPMethod
        var address: WebhookAddress
        var headers: [(name: String, value: String)]
        var body: [UInt8]?
        var timeout: Duration
        /// As PEM; the machine's where empty.
        var authorities: String
    }

    /// The addresses that a host has now and that may be connected to.
    /// - Throws: `Failure` with why, where there is none.
    func permitted(_ address: WebhookAddress) async throws(Failure) -> [IPAddress] {
        let found: [IPAddress]
        do { found = try await lookup.addresses(of: address.host) } catch {
            throw Failure(kind: .unreachable, text: "\(error)")
        }
        var reasons: [String] = []
        let permitted = found.filter { candidate in
            guard let reason = addresses.refusal(of: candidate, host: address.host) else { return true }
            reasons.append(reason)
            return false
        }
        guard permitted.isEmpty else { return permitted }
        throw Failure(kind: .forbidden, text: reasons.first ?? "the host has no address")
    }

    /// Sends the request, to one of the host's addresses after the other until one takes the connection.
    func send(_ request: Request) async throws(Failure) -> WebhookAnswer {
        let client = try client(request.authorities)
        let end = ContinuousClock.now + request.timeout
        var reason = Failure(kind: .unreachable, text: "the host has no address")
        for candidate in try await permitted(request.address).prefix(4) {
            do {
                return try await attempt(request, candidate, client, end)
            } catch {
                reason = error
                // Only what never left may go elsewhere.
                guard error.kind == .unreachable else { throw error }
            }
        }
        throw reason
    }

    private func attempt(
        _ request: Request, _ candidate: IPAddress, _ client: HTTPClient, _ end: ContinuousClock.Instant
    ) async throws(Failure) -> WebhookAnswer {
        let head = head(request)
        let place = SocketAddress.tcp(host: "\(candidate)", port: request.address.port)
        let body = request.body.map { HTTPClient.Body.bytes($0) } ?? .none
        var mayRepeat = true
        while true {
            let left = end - ContinuousClock.now
            guard left > .zero else { throw silence(request.timeout) }
            do {
                return try await client.execute(head, body, address: place, deadline: left) { head, body in
                    await WebhookAnswer(head, body)
                }
            } catch HTTPExchangeError.closed(.connectionLost(let why)) {
                // A connection that was kept may end just as it is used again, and nobody can tell. A receiver must stand
                // the same delivery twice anyway.
                guard mayRepeat else { throw Failure(kind: .noAnswer, text: WebhookAnswer.printable(why.utf8)) }
                mayRepeat = false
            } catch HTTPExchangeError.deadlineExceeded {
                throw silence(request.timeout)
            } catch HTTPExchangeError.notConnected(let why) {
                throw Failure(kind: .unreachable, text: WebhookAnswer.printable(why.utf8))
            } catch {
                throw Failure(kind: .noAnswer, text: WebhookAnswer.printable("\(error)".utf8))
            }
        }
    }

    private func silence(_ timeout: Duration) -> Failure {
        Failure(kind: .noAnswer, text: "no answer within \(timeout.formattedSeconds) s")
    }

    private func head(_ request: Request) -> RequestHead {
        var fields = HeaderFields()
        for (name, value) in request.headers { fields.add(name, value) }
        return RequestHead(
            method: request.method, scheme: request.address.isEncrypted ? "https" : "http",
            authority: request.address.authority, path: request.address.target, fields: fields)
    }

    private func client(_ authorities: String) throws(Failure) -> HTTPClient {
        do {
            return try clients.withLock { clients in
                if let known = clients[authorities] { return known }
                var tls = TLSConfiguration()
                if !authorities.isEmpty { tls.authorityText = authorities }
                var configuration = HTTPClient.Configuration(tls: try TLSContext(tls, role: .client))
                configuration.connectionsPerOrigin = 64
                configuration.limits.headerBytes = 16 * 1024
                configuration.limits.streamWindowBytes = 64 * 1024
                // Below what common servers keep a silent connection for: it is us who close it, and not in the middle.
                configuration.limits.idleTimeout = .seconds(4)
                let client = HTTPClient(loops: loops, resolver: pool, configuration: configuration)
                // Those that go close when nobody uses them any more.
                if clients.count >= WebhookClient.clientsMax { clients = clients.filter { $0.key.isEmpty } }
                clients[authorities] = client
                return client
            }
        } catch {
            throw Failure(kind: .invalid, text: "\(error)")
        }
    }
}

extension Duration {
    /// `30`, `0.5`.
    var formattedSeconds: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) / 1e18
        return seconds == seconds.rounded() ? "\(Int64(clamping: components.seconds))" : "\(seconds)"
    }
}
