import Glibc
import Loop
import Testing

@testable import HTTP

/// Runs `body` with a client whose connections are gone afterwards.
func withClient(
    _ configuration: HTTPClient.Configuration = .init(), _ body: (HTTPClient) async throws -> Void
) async throws {
    let loops = try LoopGroup(count: 1, name: "client")
    let pool = ComputePool(threads: 1)
    try loops.start()
    try pool.start()
    let client = HTTPClient(loops: loops, resolver: pool, configuration: configuration)
    do {
        try await body(client)
    } catch {
        Issue.record(error)
    }
    await client.close()
    #expect(client.statistics.openStreams == 0)
    #expect(client.statistics.openConnections == 0)
    loops.stop()
    pool.stop()
}

/// So many bytes, made as they are asked for.
struct Flow: AsyncSequence, Sendable {
    let count: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        var left: Int
        let block = ArraySlice([UInt8](repeating: 9, count: 64 * 1024))

        mutating func next() async throws -> ArraySlice<UInt8>? {
            guard left > 0 else { return nil }
            defer { left -= Swift.min(left, block.count) }
            return block.prefix(left)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(left: count) }
}

/// The process's memory in use, in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
        separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
}

@Suite("An HTTP client", .serialized)
struct HTTPClientTests {
    private func request(_ address: SocketAddress, _ target: String, _ method: HTTPMethod = .get, tls: Bool = false)
        -> RequestHead
    {
        let authority = if case .tcp(_, let port) = address { "localhost:\(port)" } else { "localhost" }
        return RequestHead(method: method, scheme: tls ? "https" : "http", authority: authority, path: target)
    }

    private func text(_ head: ResponseHead, _ body: HTTPBody) async throws -> String {
        "\(head.status) " + String(decoding: try await body.collect(upTo: 100_000), as: UTF8.self)
    }

    @Test("makes round trips in every protocol, plain, encrypted and over unix sockets", arguments: Transport.allCases)
    func roundTrips(_ transport: Transport) async throws {
        guard transport != .inProcess else { return }
        let tls = transport.isTLS ? try Certificates.shared.server() : nil
        try await withServer(tls: tls, unix: transport.isUnix) { server, address, _ in
            let own = try Certificates.shared.client(protocols: transport.isHTTP1 ? ["http/1.1"] : ["h2", "http/1.1"])
            try await withClient(.init(tls: own, wanted: transport.isTLS ? .negotiated : transport.wanted)) { client in
                let via = transport.isUnix ? address : nil
                for _ in 0..<5 {
                    let hello = try await client.execute(
                        request(address, "/hello", tls: transport.isTLS), address: via
                    ) { try await text($0, $1) }
                    #expect(hello == "200 hello")
                }
                #expect(client.statistics.totalConnections == 1, "the connection is used again")
                let size = try await client.execute(
                    request(address, "/size", .post, tls: transport.isTLS), .bytes([1, 2, 3]), address: via
                ) { try await text($0, $1) }
                #expect(size == "200 3 -")
                let streamed = try await client.execute(
                    request(address, "/size", .post, tls: transport.isTLS), .stream(Flow(count: 1_000_000)),
                    address: via
                ) { try await text($0, $1) }
                #expect(streamed == "200 1000000 -")
                let told = try await client.execute(
                    request(address, "/size", .post, tls: transport.isTLS),
                    .stream(Flow(count: 1_000_000), length: 1_000_000), address: via
                ) { try await text($0, $1) }
                #expect(told == "200 1000000 -")
            }
        }
    }

    @Test("shares one HTTP/2 connection and few HTTP/1 ones among many requests", arguments: [Transport.http1, .http2])
    func sharing(_ transport: Transport) async throws {
        try await withServer { server, address, _ in
            var configuration = HTTPClient.Configuration(wanted: transport.wanted)
            configuration.connectionsPerOrigin = 3
            try await withClient(configuration) { client in
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<30 {
                        group.addTask {
                            try await client.execute(request(address, "/late?5")) { try await text($0, $1) }
                        }
                    }
                    for try await answer in group { #expect(answer == "200 late") }
                }
                #expect(client.statistics.totalConnections == (transport == .http2 ? 1 : 3))
            }
        }
    }

    @Test("of a crowd that waits for one connection those that give up are passed over, and all others answered")
    func crowd() async throws {
        try await withServer { server, address, handler in
            var configuration = HTTPClient.Configuration(wanted: .http11)
            configuration.connectionsPerOrigin = 1
            try await withClient(configuration) { client in
                let ask = { @Sendable (path: String) in
                    try await client.execute(request(address, path)) { try await text($0, $1) }
                }
                let first = Task { try await ask("/late?60000") }
                try await eventually("the connection is taken") { handler.open.withLock { $0 } == 1 }
                let crowd = (0..<400).map { _ in Task { try await ask("/late?0") } }
                for task in crowd[..<300] { task.cancel() }
                for task in crowd[..<300] { await #expect(throws: CancellationError.self) { try await task.value } }
                first.cancel()
                _ = await first.result
                for task in crowd[300...] { #expect(try await task.value == "200 late") }
                #expect(client.statistics.totalConnections == 2)
            }
        }
    }

    @Test("a deadline, a cancellation and an early return all end the exchange", arguments: [Transport.http1, .http2])
    func endings(_ transport: Transport) async throws {
        try await withServer { server, address, handler in
            try await withClient(.init(wanted: transport.wanted)) { client in
                await #expect(throws: HTTPExchangeError.deadlineExceeded(.milliseconds(30))) {
                    _ = try await client.execute(
                        request(address, "/silent", .post), deadline: .milliseconds(30)
                    ) { try await text($0, $1) }
                }
                // The first may have been given up before the server saw it.
                try await eventually("its stream ends") { handler.open.withLock { $0 } == 0 }
                let served = handler.served.withLock { $0 }
                let task = Task { try await client.execute(request(address, "/late?60000")) { try await text($0, $1) } }
                try await eventually("the request is there") { handler.served.withLock { $0 } > served }
                task.cancel()
                await #expect(throws: CancellationError.self) { _ = try await task.value }
                let status = try await client.execute(request(address, "/stream?100000000")) { head, _ in head.status }
                #expect(status == 200)
                try await eventually("every stream ends") { handler.open.withLock { $0 } == 0 }
            }
            await server.shutdown(grace: .zero)
        }
    }

    @Test("an upload whose sequence throws fails with its error")
    func failingUpload() async throws {
        struct Broken: AsyncSequence, AsyncIteratorProtocol, Sendable {
            mutating func next() async throws -> ArraySlice<UInt8>? { throw TestFailure() }
            func makeAsyncIterator() -> Broken { self }
        }
        try await withServer { _, address, _ in
            try await withClient { client in
                await #expect(throws: TestFailure.self) {
                    _ = try await client.execute(request(address, "/size", .post), .stream(Broken())) {
                        try await text($0, $1)
                    }
                }
            }
        }
    }

    @Test("nobody listening is an error that says where")
    func refused() async throws {
        try await withClient { client in
            let path = temporaryPath("nobody")
            do {
                _ = try await client.execute(
                    request(.unix(path: path), "/"), address: .unix(path: path)
                ) { try await text($0, $1) }
                Issue.record("answered")
            } catch { #expect("\(error)".contains(path)) }
        }
    }

    @Test("256 MB go up and come down in flat memory", arguments: [Transport.http1, .http2])
    func flatMemory(_ transport: Transport) async throws {
        try await withServer { _, address, _ in
            try await withClient(.init(wanted: transport.wanted)) { client in
                // `SLIPWAY_TEST_MEGABYTES=10240` makes it ten gigabytes each way.
                let count = (getenv("SLIPWAY_TEST_MEGABYTES").flatMap { Int(String(cString: $0)) } ?? 256) << 20
                _ = try await client.execute(request(address, "/hello")) { try await text($0, $1) }
                let before = residentBytes()
                let sent = try await client.execute(
                    request(address, "/size", .post), .stream(Flow(count: count))
                ) { try await text($0, $1) }
                #expect(sent == "200 \(count) -")
                let received = try await client.execute(request(address, "/stream?\(count)")) { _, body in
                    var received = 0
                    for try await chunk in body { received += chunk.count }
                    return received
                }
                #expect(received == count)
                // The address sanitizer keeps 256 MB of freed memory back.
                let isSanitized = dlsym(nil, "__asan_init") != nil
                #expect(residentBytes() - before < (isSanitized ? 400 << 20 : 32 << 20))
            }
        }
    }
}
