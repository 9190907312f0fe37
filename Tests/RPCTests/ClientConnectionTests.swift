import HTTP
import Loop
import Testing

@testable import RPC

@Suite("A channel's connections", .timeLimit(.minutes(1)))
struct ClientConnectionTests {
    /// A group of one loop, so that every call shares connections.
    private func withChannel(
        _ addresses: [SocketAddress], _ configuration: ChannelConfiguration = ChannelConfiguration(),
        clock: any LoopClock = MonotonicClock(), _ body: (NetworkChannel) async throws -> Void
    ) async throws {
        let loops = try LoopGroup(count: 1, name: "client", clock: clock)
        try loops.start()
        let channel = NetworkChannel(addresses, loops: loops, configuration: configuration)
        do { try await body(channel) } catch {
            await channel.close(grace: .zero)
            loops.stop()
            throw error
        }
        await channel.close(grace: .zero)
        #expect(channel.statistics.openConnections == 0)
        loops.stop()
    }

    /// An address at which nobody listens.
    private func deadAddress() async throws -> SocketAddress {
        let server = try await ProbeServer()
        let address = server.address
        await server.stop()
        return address
    }

    @Test("calls take turns between two servers, and go on when one is killed")
    func roundRobin() async throws {
        let servers = [try await ProbeServer(name: "one"), try await ProbeServer(name: "two")]
        try await withChannel(servers.map(\.address)) { channel in
            func serve(_ count: Int) async throws -> [String: Int] {
                var seen: [String: Int] = [:]
                for _ in 0..<count {
                    let response = try await channel.unaryResponse(Probe.read, text("x"))
                    seen[response.metadata["served-by"] ?? "", default: 0] += 1
                }
                return seen
            }
            var seen = try await serve(10)
            // The second connection may stand a few calls later than the first.
            while seen.count < 2 { seen = try await serve(10) }
            #expect(try await serve(10) == ["one": 5, "two": 5])
            await servers[0].stop()
            #expect(try await serve(10)["two"] ?? 0 >= 9)
            #expect(try await serve(10) == ["two": 10])
        }
        await servers[1].stop()
    }

    @Test("without a server calls fail at once, and say why")
    func noServer() async throws {
        try await withChannel([try await deadAddress()]) { channel in
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("Connection refused") == true)
        }
    }

    @Test("a name that does not exist fails the call, and says which")
    func noSuchName() async throws {
        try await withChannel([.tcp(host: "nowhere.invalid", port: 1)]) { channel in
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("nowhere.invalid") == true)
        }
    }

    @Test("a call that waits for ready is served once the server is there; the pauses follow the clock")
    func waitForReady() async throws {
        let path = "/tmp/slipway-test-\(UInt64.random(in: 0 ... .max)).socket"
        let clock = ManualClock()
        var configuration = ChannelConfiguration()
        configuration.waitForReady = true
        // The clock runs far ahead of the machine: nobody could answer a ping in time.
        configuration.limits.keepaliveInterval = nil
        configuration.chance = { 0.5 }
        try await withChannel([.unix(path: path)], configuration, clock: clock) { channel in
            let task = Task { try await channel.unary(Probe.echo, text("patience")) }
            let server = try await ProbeServer(address: .unix(path: path))
            // The clock moves only here: the first pause is a second.
            let answered = Lock(false)
            let watch = Task {
                defer { answered.withLock { $0 = true } }
                return try await task.value.value
            }
            while !answered.withLock({ $0 }) {
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            #expect(try await watch.value == "patience")
            await server.stop()
        }
    }

    @Test("a call that waits for ready still obeys its time-out")
    func waitForReadyTimesOut() async throws {
        try await withChannel([try await deadAddress()]) { channel in
            let error = await failure {
                _ = try await channel.unary(
                    Probe.echo, text("x"), options: CallOptions(timeout: .milliseconds(50), waitForReady: true))
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test("no more streams are opened than the server takes; the calls beyond wait")
    func concurrentStreams() async throws {
        var limits = HTTPLimits()
        limits.concurrentStreams = 2
        let server = try await ProbeServer(limits: limits)
        try await withChannel([server.address]) { channel in
            // The server's settings are known once a call went through.
            _ = try await channel.unary(Probe.echo, text("x"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let answer = try await channel.unary(
                            Probe.echo, text("\(index)"), metadata: ["wait-ms": "1"])
                        #expect(answer.value == "\(index)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(channel.statistics.connectionsEver == 1)
        }
        await server.stop()
    }

    @Test("when too many calls wait, the next is refused with the setting's name")
    func queueLimit() async throws {
        var limits = HTTPLimits()
        limits.concurrentStreams = 1
        let server = try await ProbeServer(limits: limits)
        var configuration = ChannelConfiguration()
        configuration.waitingCalls = 1
        try await withChannel([server.address], configuration) { channel in
            _ = try await channel.unary(Probe.echo, text("x"))
            let errors = await withTaskGroup(of: RPCError?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do {
                            _ = try await channel.unary(Probe.echo, text("x"), metadata: ["wait-ms": "200"])
                            return nil
                        } catch { return RPCError(error) }
                    }
                }
                return await group.reduce(into: [RPCError]()) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.map(\.code) == [.resourceExhausted])
            #expect(errors.first?.message.contains("waitingCalls") == true)
        }
        await server.stop()
    }

    @Test("calls under way survive a server's graceful stop, and later ones go elsewhere unseen")
    func goAway() async throws {
        let servers = [try await ProbeServer(name: "one"), try await ProbeServer(name: "two")]
        try await withChannel(servers.map(\.address)) { channel in
            for _ in 0..<10 { _ = try await channel.unary(Probe.echo, text("x")) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for index in 0..<300 {
                            let answer = try await channel.unary(
                                Probe.echo, text("\(index)"), metadata: index % 10 == 0 ? ["wait-ms": "5"] : [:])
                            #expect(answer.value == "\(index)")
                        }
                    }
                }
                group.addTask { await servers[0].http.shutdown(grace: .seconds(10)) }
                try await group.waitForAll()
            }
        }
        for server in servers { await server.stop() }
    }

    @Test("a channel that is closed takes no calls, and lets those under way finish")
    func close() async throws {
        let server = try await ProbeServer()
        try await withChannel([server.address]) { channel in
            _ = try await channel.unary(Probe.echo, text("x"))
            async let slow = channel.unary(Probe.echo, text("slow"), metadata: ["wait-ms": "100"])
            await eventually { server.rpc.callsEver == 2 }
            await channel.close(grace: .seconds(10))
            #expect(try await slow.value == "slow")
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            #expect(channel.statistics.openConnections == 0)
        }
        await server.stop()
    }

    @Test("a channel that nobody holds any more closes its connections")
    func dropped() async throws {
        let server = try await ProbeServer()
        let loops = try LoopGroup(count: 1)
        try loops.start()
        do {
            let channel = NetworkChannel(server.address, loops: loops)
            _ = try await channel.unary(Probe.echo, text("x"))
            #expect(server.http.statistics.openConnections == 1)
        }
        await eventually { server.http.statistics.openConnections == 0 }
        await server.stop()
        loops.stop()
    }

    @Test("a server that hangs up at once is not called without a pause")
    func hangsUp() async throws {
        let server = try await ProbeServer()
        let address = server.address
        await server.http.shutdown(grace: .zero)
        let http = HTTPServer(
            endpoints: [HTTPServer.Endpoint(address)], loops: server.loops, connectionLimit: 0, handler: server.rpc)
        try await http.start()
        try await withChannel([address]) { channel in
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            #expect(channel.statistics.connectionsEver <= 2)
        }
        await http.shutdown(grace: .zero)
        await server.stop()
    }
}
