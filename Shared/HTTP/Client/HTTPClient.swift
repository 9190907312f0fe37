import Loop

/// Sends requests over pooled connections, HTTP/1.1 or HTTP/2. An exchange ends with the closure that reads its answer, so
/// that no stream can be forgotten. Usable from any executor; a caller that prefers one of the client's loops does not hop.
public final class HTTPClient: Sendable {
    public struct Configuration: Sendable {
        public var limits = HTTPLimits()
        /// Needed for `https`.
        public var tls: TLSContext?
        public var wanted = ClientProtocol.negotiated
        /// HTTP/1.1 connections that one loop may have to one origin; more requests wait.
        public var connectionsPerOrigin = 8

        public init(tls: TLSContext? = nil, wanted: ClientProtocol = .negotiated) {
            self.tls = tls
            self.wanted = wanted
        }
    }

    /// What a request carries.
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Pieces sent as the connection takes them. Without a length HTTP/1.1 sends them chunked.
        case stream(any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable, length: Int? = nil)
    }

    public let configuration: Configuration
    public let statistics = HTTPStatistics()
    private let loops: LoopGroup
    private let pools: [ClientPool]

    /// - Parameter resolver: resolves names; it must be started, and outlive the client.
    public init(loops: LoopGroup, resolver: ComputePool, configuration: Configuration = Configuration()) {
        self.loops = loops
        self.configuration = configuration
        let statistics = self.statistics
        pools = loops.loops.map {
            ClientPool(loop: $0, configuration: configuration, statistics: statistics, resolver: resolver)
        }
    }

    /// Closes every connection; exchanges under way fail.
    public func close() async {
        for pool in pools { try? await pool.loop.submit { pool.close() } }
    }

    /// Sends a request and gives its answer to `read`; what `read` leaves of it is dropped.
    /// - Parameters:
    ///   - address: where to connect, if not what the request's authority says (a unix socket, a proxy). The server must
    ///     prove the authority's name all the same, or the TLS configuration's `serverName` where that is set.
    ///   - deadline: how long the exchange may take with `read` and all.
    /// - Throws: `HTTPExchangeError`, `CancellationError`, or what `read` or the body's sequence throws.
    public func execute<Answer: Sendable>(
        _ request: RequestHead, _ body: Body = .none, address: SocketAddress? = nil, deadline: Duration? = nil,
        _ read: @Sendable (ResponseHead, HTTPBody) async throws -> Answer
    ) async throws -> Answer {
        let origin = try origin(of: request, address)
        let loop = loops.next()
        guard let pool = pools.first(where: { $0.loop === loop }) else {
            throw HTTPExchangeError.notConnected("the client has no loop")
        }
        var request = request
        switch body {
        case .bytes(let bytes): request.fields.set("content-length", "\(bytes.count)")
        case .stream(_, let length?): request.fields.set("content-length", "\(length)")
        default: break
        }
        var mayRepeat = true
        while true {
            let bridge = StreamBridge(loop: loop)
            do {
                return try await exchange(request, body, origin, deadline, on: bridge, pool, read)
            } catch let error as Unanswered {
                guard mayRepeat, error.mayRepeat(request, body) else { throw error.reason }
                mayRepeat = false
            }
        }
    }

    /// No head came: under conditions the request may be sent once more.
    private struct Unanswered: Error {
        let reason: any Error

        func mayRepeat(_ request: RequestHead, _ body: Body) -> Bool {
            if case .stream = body { return false }
            switch reason as? HTTPExchangeError {
            case .closed(.refused): return true
            // A kept connection may end just as it is used again.
            case .closed(.connectionLost): return [.get, .head, .options].contains(request.method)
            default: return false
            }
        }
    }

    private func exchange<Answer: Sendable>(
        _ request: RequestHead, _ body: Body, _ origin: ClientOrigin, _ deadline: Duration?, on bridge: StreamBridge,
        _ pool: ClientPool, _ read: @Sendable (ResponseHead, HTTPBody) async throws -> Answer
    ) async throws -> Answer {
        let loop = bridge.loop
        defer { loop.run { bridge.abandon() } }
        let end = if case .none = body { true } else { false }
        try await loop.wait { (wait: LoopWait<Void>) in
            if let deadline { bridge.setDeadline(after: deadline) }
            bridge.onConnectFailure = { wait.resume(.failure($0)) }
            pool.open(.init(request: request, end: end, bridge: bridge, wait: wait), to: origin)
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            switch body {
            case .none: break
            case .bytes(let bytes): try? await HTTPClient.upload(bytes, bridge)
            case .stream(let pieces, _): group.addTask { await HTTPClient.upload(pieces, bridge) }
            }
            let head: ResponseHead
            do { head = try await bridge.receiveHead() } catch { throw Unanswered(reason: error) }
            return try await read(head, HTTPBody(bridge: bridge))
        }
    }

    private static func upload(_ bytes: [UInt8], _ bridge: StreamBridge) async throws {
        try await bridge.perform {
            $0.send(ArraySlice(bytes))
            $0.finish()
        }
    }

    private static func upload(
        _ pieces: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable, _ bridge: StreamBridge
    ) async {
        do {
            for try await piece in pieces { try await bridge.send(piece) }
            try await bridge.perform { $0.finish() }
        } catch {
            // The answer may be complete without the rest; where it is not, whoever reads it hears why.
            bridge.loop.run { bridge.fail(error) }
        }
    }

    private func origin(of request: RequestHead, _ address: SocketAddress?) throws -> ClientOrigin {
        let isEncrypted = request.scheme == "https"
        if isEncrypted, configuration.tls == nil {
            throw HTTPExchangeError.notConnected("https needs a TLS context in the client's configuration")
        }
        let named = SocketAddress(authority: request.authority, defaultPort: isEncrypted ? 443 : 80)
        // Plain text to an address needs no name; a certificate does, and that of the address is not what was asked for.
        guard let target = address ?? named, named != nil || !isEncrypted else {
            throw HTTPExchangeError.notConnected("the authority \(request.authority) is not host and port")
        }
        return ClientOrigin(
            address: target, isEncrypted: isEncrypted, serverName: isEncrypted ? named?.hostName : nil)
    }
}
