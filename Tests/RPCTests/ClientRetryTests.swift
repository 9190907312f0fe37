import HTTP
import Loop
import Testing

@testable import RPC

@Suite("Repeated calls", .timeLimit(.minutes(1)))
struct ClientRetryTests {
    private var quick: ChannelConfiguration {
        var configuration = ChannelConfiguration()
        configuration.retry = RetryPolicy(
            backoff: Backoff(base: .milliseconds(1), multiplier: 2, cap: .milliseconds(4), jitter: 0))
        return configuration
    }

    @Test("a method free of side effects is tried again until it succeeds, and the server is told how often")
    func idempotent() async throws {
        try await withProbe(quick) { server, channel in
            let response = try await channel.unaryResponse(Probe.read, text("x"), metadata: ["fail-first": "2"])
            #expect(response.message.value == "x")
            #expect(response.trailingMetadata["attempts-before"] == "2")
            #expect(server.service.attempts.withLock { $0 } == 3)
            #expect(channel.statistics.attemptsRepeated == 2)
        }
    }

    @Test("a method that may have effects is tried once, unless its caller says otherwise")
    func notIdempotent() async throws {
        try await withProbe(quick) { server, channel in
            let error = await failure {
                _ = try await channel.unary(Probe.echo, text("x"), metadata: ["fail-first": "1"])
            }
            #expect(error?.code == .unavailable)
            #expect(server.service.attempts.withLock { $0 } == 1)
            let answer = try await channel.unary(
                Probe.echo, text("x"), metadata: ["fail-first": "2"], options: CallOptions(retry: quick.retry))
            #expect(answer.value == "x")
        }
    }

    @Test("a head that the server does not take fails at once and is not repeated", arguments: [70_000, 300_000])
    func largeHead(_ size: Int) async throws {
        try await withProbe(quick) { server, channel in
            for isFirst in [true, false] {
                // On the first call the server's limit is not known yet.
                let error = await failure {
                    _ = try await channel.unary(
                        Probe.read, text("x"), metadata: ["large": String(repeating: "x", count: size)])
                }
                #expect(error?.code == .resourceExhausted, "\(isFirst): \(error.debugDescription)")
                #expect(error?.message.contains("at most 65536") == true)
                let answer = try await channel.unary(Probe.read, text("the connection lives on"))
                #expect(answer.value == "the connection lives on")
            }
            #expect(channel.statistics.attemptsRepeated == 0)
            #expect(server.service.attempts.withLock { $0 } == 2)
        }
        var limits = HTTPLimits()
        limits.headerBytes = 8 * 1024
        try await withProbe(quick, limits: limits) { _, channel in
            // Each of the client's two loops has a connection, which knows the limit from now on.
            for _ in 0..<2 { _ = try await channel.unary(Probe.read, text("x")) }
            let error = await failure {
                _ = try await channel.unary(
                    Probe.read, text("x"), metadata: ["large": String(repeating: "x", count: 9000)])
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("at most 8192") == true)
            #expect(channel.statistics.attemptsRepeated == 0)
        }
    }

    @Test("after the last attempt the error is the server's")
    func exhausted() async throws {
        try await withProbe(quick) { server, channel in
            let error = await failure {
                _ = try await channel.unary(Probe.read, text("x"), metadata: ["fail-first": "9"])
            }
            #expect(error?.message == "attempt 3 fails")
        }
    }

    @Test("a negative pushback ends the attempts")
    func pushback() async throws {
        try await withProbe(quick) { server, channel in
            let error = await failure {
                _ = try await channel.unary(
                    Probe.read, text("x"), metadata: ["fail-first": "9", "pushback": "-1"])
            }
            #expect(error?.message == "attempt 1 fails")
        }
    }

    @Test("a pause that would outlast the deadline is not begun")
    func pauseBeyondDeadline() async throws {
        try await withProbe(quick) { server, channel in
            let error = await failure {
                _ = try await channel.unary(
                    Probe.read, text("x"), metadata: ["fail-first": "9", "pushback": "600000"],
                    options: CallOptions(timeout: .seconds(30)))
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test("nothing is repeated once a response has begun")
    func responseBegun() async throws {
        try await withProbe(quick) { server, channel in
            var count = 0
            let error = await failure {
                try await channel.serverStreaming(
                    Probe.count, number(3), metadata: ["fail-with": "14"], options: CallOptions(retry: quick.retry)
                ) { responses in
                    for try await _ in responses { count += 1 }
                }
            }
            #expect(error?.code == .unavailable)
            #expect(count == 3)
            #expect(server.rpc.callsEver == 1)
        }
    }

    @Test("requests of a client stream are sent again from the first")
    func streamIsReplayed() async throws {
        let refusing = Refusing(times: 3)
        try await withInProcess(refusing) { channel, service in
            refusing.rpc = RPCServer(services: [service])
            let sum = try await channel.clientStreaming(Probe.sum) { requests in
                for value in 1...10 { try await requests.write(number(value)) }
            }
            #expect(sum.value == 55)
            #expect(refusing.refused.withLock { $0 } == 3)
        }
    }

    @Test("a server that refuses every stream is given up")
    func alwaysRefused() async throws {
        let refusing = Refusing(times: .max)
        try await withInProcess(refusing) { channel, _ in
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            #expect(refusing.refused.withLock { $0 } == RetryDecision.refusalsMax + 1)
        }
    }
}

/// Refuses streams unseen, a number of times.
final class Refusing: HTTPServerHandler, @unchecked Sendable {
    let times: Int
    let refused = Lock(0)
    /// Set before the first call.
    var rpc: RPCServer?

    init(times: Int) { self.times = times }

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        let isRefused = refused.withLock { refused in
            if refused < times { refused += 1 } else { return false }
            return true
        }
        guard isRefused else { return rpc?.receiver(for: stream) ?? DiscardingReceiver(stream) }
        stream.reset(.refusedStream)
        return DiscardingReceiver(stream)
    }
}

/// Runs `body` with a channel in process.
func withInProcess(
    _ handler: (any HTTPServerHandler)? = nil, _ configuration: ChannelConfiguration = ChannelConfiguration(),
    _ body: (InProcessChannel, ProbeService) async throws -> Void
) async throws {
    let loops = try LoopGroup(count: 1)
    try loops.start()
    let service = ProbeService()
    let channel = InProcessChannel(
        handler ?? RPCServer(services: [service]), loops: loops, configuration: configuration)
    do { try await body(channel, service) } catch {
        await channel.close()
        loops.stop()
        throw error
    }
    await channel.close()
    #expect(channel.callsInFlight == 0)
    loops.stop()
}

@Suite("Calls in process", .timeLimit(.minutes(1)))
struct InProcessChannelTests {
    @Test("every shape of call works without a socket", arguments: Manner.fullDuplex)
    func shapes(_ manner: Manner) async throws {
        try await withInProcess(nil, manner.configuration) { channel, _ in
            #expect(try await channel.unary(Probe.echo, text("hello")).value == "hello")
            let count = try await channel.serverStreaming(Probe.count, number(500)) { responses in
                try await responses.reduce(0) { count, _ in count + 1 }
            }
            #expect(count == 500)
            let sum = try await channel.clientStreaming(Probe.sum) { requests in
                for value in 1...100 { try await requests.write(number(value)) }
            }
            #expect(sum.value == 5050)
            try await channel.bidirectional(Probe.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                for value in 0..<20 {
                    try await requests.write(text("\(value)"))
                    #expect(try await iterator.next()?.value == "\(value)")
                }
            }
            let error = await failure {
                _ = try await channel.unary(Probe.echo, text("x"), metadata: ["fail-with": "5"])
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test("deadline and cancellation reach the handler")
    func deadline() async throws {
        try await withInProcess { channel, service in
            let error = await failure {
                try await channel.bidirectional(Probe.chat, options: CallOptions(timeout: .milliseconds(20))) {
                    for try await _ in $1 {}
                }
            }
            #expect(error?.code == .deadlineExceeded)
            await eventually { service.cancelled.withLock { $0 } == 1 }
        }
    }

    @Test("a closed channel takes no calls")
    func closed() async throws {
        try await withInProcess { channel, _ in
            await channel.close()
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
        }
    }
}
