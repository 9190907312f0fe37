import Loop
import Testing

@testable import HTTP

/// Every way to reach a handler.
enum Transport: String, CaseIterable, Sendable {
    case http1, http2, http1TLS, http2TLS, http1Unix, http2Unix, inProcess

    var isTLS: Bool { self == .http1TLS || self == .http2TLS }
    var isUnix: Bool { self == .http1Unix || self == .http2Unix }
    var isHTTP1: Bool { [.http1, .http1TLS, .http1Unix].contains(self) }
    var wanted: ClientProtocol { isHTTP1 ? .http11 : .http2 }
}

/// A connection to the demo handler over some transport. Confined to its loop.
final class TestConnection: @unchecked Sendable {
    let loop: EventLoop
    private var socket: HTTPClientConnection?
    private var direct: InProcessConnection?

    init(_ connection: HTTPClientConnection) {
        socket = connection
        loop = connection.loop
    }

    init(_ connection: InProcessConnection) {
        direct = connection
        loop = connection.loop
    }

    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool = false) -> HTTPStream? {
        socket?.open(request, receiver: receiver, end: end) ?? direct?.open(request, receiver: receiver, end: end)
    }

    var peer: PeerIdentity? { socket?.peer ?? direct?.peer }
    var openCapacity: Int { socket?.openCapacity ?? direct?.openCapacity ?? 0 }
    var isOpen: Bool { socket?.isOpen ?? direct?.isOpen ?? false }

    func close() async throws {
        try await loop.submit {
            self.socket?.close("the test is over")
            self.direct?.close("the test is over")
        }
    }

    /// Opens a stream and gives its bridge.
    func exchange(_ request: RequestHead, end: Bool = true) async throws -> StreamBridge {
        try await loop.submit { [self] in
            let bridge = StreamBridge(loop: loop)
            guard let stream = open(request, receiver: bridge, end: end) else {
                throw HTTPExchangeError.notConnected("no more streams")
            }
            bridge.attach(stream)
            return bridge
        }
    }

    func get(_ target: String, _ method: HTTPMethod = .get) async throws -> TestAnswer {
        try await TestAnswer(exchange(.test(target, method)))
    }

    func post(_ target: String, _ body: [UInt8], trailers: HeaderFields? = nil) async throws -> TestAnswer {
        let bridge = try await exchange(.test(target, .post), end: false)
        try await bridge.perform { stream in
            stream.send(ArraySlice(body))
            stream.finish(trailers: trailers)
        }
        return try await TestAnswer(bridge)
    }

    static func connect(
        _ address: SocketAddress, on loop: EventLoop, tls: TLSContext? = nil, wanted: ClientProtocol,
        limits: HTTPLimits = HTTPLimits()
    ) async throws -> TestConnection {
        let raw = try #require(try RawAddress.resolve(address, passive: false).first)
        // Handed over under a lock, because the thread sanitizer does not see what a continuation orders.
        let connected = Lock<TestConnection?>(nil)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.run {
                do {
                    _ = try HTTPClientConnection.start(
                        to: raw, address: address, tls: tls, wanted: wanted, limits: limits,
                        statistics: HTTPStatistics(), loop: loop
                    ) { connection, result in
                        connected.withLock { $0 = TestConnection(connection) }
                        continuation.resume(with: result)
                    }
                } catch { continuation.resume(throwing: error) }
            }
        }
        return try #require(connected.withLock { $0 })
    }
}

struct TestAnswer: Sendable {
    let head: ResponseHead
    var body: [UInt8] = []
    let trailers: HeaderFields?

    init(_ bridge: StreamBridge) async throws {
        head = try await bridge.receiveHead()
        while let chunk = try await bridge.receiveChunk() { body += chunk }
        trailers = try await bridge.loop.submit { bridge.trailers }
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}

extension RequestHead {
    static func test(_ target: String, _ method: HTTPMethod = .get) -> RequestHead {
        RequestHead(method: method, authority: "localhost", path: target)
    }
}

/// Runs `body` against the demo handler over `transport`.
func withTransport(
    _ transport: Transport, _ limits: HTTPLimits = HTTPLimits(),
    _ body: (TestConnection, DemoHandler) async throws -> Void
) async throws {
    if transport == .inProcess {
        let loop = try LoopGroup(count: 1)
        try loop.start()
        defer { loop.stop() }
        let handler = DemoHandler()
        let connection = try await loop.loops[0].submit {
            TestConnection(InProcessConnection(handler: handler, loop: loop.loops[0], limits: limits))
        }
        try await body(connection, handler)
        try await connection.close()
        #expect(handler.open.withLock { $0 } == 0)
        return
    }
    let tls = transport.isTLS ? try Certificates.shared.server() : nil
    try await withServer(limits, tls: tls, unix: transport.isUnix) { server, address, handler in
        let client =
            transport.isTLS ? try Certificates.shared.client(protocols: transport.isHTTP1 ? ["http/1.1"] : ["h2"]) : nil
        let connection = try await TestConnection.connect(
            address, on: server.loops.loops[0], tls: client, wanted: transport.wanted, limits: limits)
        try await body(connection, handler)
        try await connection.close()
    }
}
