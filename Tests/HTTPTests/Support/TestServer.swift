import Glibc
import Loop
import Testing

@testable import HTTP

/// Runs `body` against a server of the demo handler on a free port, and checks afterwards that nothing stayed open.
func withServer(
    _ limits: HTTPLimits = HTTPLimits(), tls: TLSContext? = nil, unix: Bool = false, loops count: Int = 1,
    clock: any LoopClock = MonotonicClock(), connectionLimit: Int = 1000,
    _ body: (HTTPServer, SocketAddress, DemoHandler) async throws -> Void
) async throws {
    let handler = DemoHandler()
    try await withServer(
        handler: handler, limits, tls: tls, unix: unix, loops: count, clock: clock, connectionLimit: connectionLimit
    ) { server, address in
        try await body(server, address, handler)
        await server.shutdown(grace: .seconds(2))
        #expect(handler.open.withLock { $0 } == 0, "every receiver heard of its stream's end")
    }
}

func withServer(
    handler: any HTTPServerHandler, _ limits: HTTPLimits = HTTPLimits(), tls: TLSContext? = nil, unix: Bool = false,
    loops count: Int = 1, clock: any LoopClock = MonotonicClock(), connectionLimit: Int = 1000,
    _ body: (HTTPServer, SocketAddress) async throws -> Void
) async throws {
    let loops = try LoopGroup(count: count, name: "test", clock: clock)
    try loops.start()
    defer { loops.stop() }
    let address: SocketAddress = unix ? .unix(path: temporaryPath("socket")) : .tcp(host: "127.0.0.1", port: 0)
    let server = HTTPServer(
        endpoints: [.init(address, tls: tls)], loops: loops, limits: limits, connectionLimit: connectionLimit,
        handler: handler)
    try await server.start()
    let bound = try #require(server.addresses.first)
    do {
        try await body(server, bound)
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
    await server.shutdown(grace: .seconds(2))
    #expect(server.statistics.openConnections == 0)
    #expect(server.statistics.openStreams == 0)
}

/// A path that nothing uses yet.
func temporaryPath(_ suffix: String) -> String {
    "/tmp/slipway-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).\(suffix)"
}

/// Asks until `condition` holds, for at most ten seconds.
func eventually(_ what: Comment, _ condition: () -> Bool) async throws {
    for _ in 0..<2000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never happened: \(what)")
}
