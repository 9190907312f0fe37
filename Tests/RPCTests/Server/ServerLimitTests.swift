import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

@Suite("Limits of a server", .serialized, .timeLimit(.minutes(1)))
struct ServerLimitTests {
    private static var small: RPCServerConfiguration {
        var configuration = RPCServerConfiguration()
        configuration.messageBytes = 1000
        return configuration
    }

    @Test(
        "a message over the limit is refused with the limit and its setting, before and after decompression",
        arguments: Manner.allCases)
    func message(_ manner: Manner) async throws {
        try await withServer([Offer(Probe.echoing)], configuration: Self.small) { served in
            let channel = served.channel(manner)
            let error = await failure {
                _ = try await channel.unary(Probe.echo, text(String(repeating: "x", count: 5000)))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("1000") == true)
            #expect(error?.message.contains("messageBytes") == true)
            let answer = try await channel.unary(Probe.echo, text("still here"))
            #expect(answer.value == "still here")
        }
    }

    @Test("a message in a GET is under the same limit", arguments: [Compression.identity, .gzip])
    func get(_ compression: Compression) async throws {
        let handler = MethodHandler.unary(Probe.read) { request, _ in ServerResponse(request.message) }
        try await withServer([Offer(handler)], configuration: Self.small) { served in
            let channel = served.channel(.connect) {
                $0.usesGet = true
                $0.compression = compression
            }
            let error = await failure {
                _ = try await channel.unary(Probe.read, text(String(repeating: "x", count: 2000)))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("limit of 1000") == true)
        }
    }

    @Test("small messages that unfold to large ones are unfolded one at a time, and refused when they are taken")
    func bombs() async throws {
        let taken = Lock(0)
        let handler = MethodHandler.streaming(Probe.chat) { requests, _, _ in
            for try await _ in requests { taken.withLock { $0 += 1 } }
        }
        try await withServer([Offer(handler)], configuration: Self.small) { served in
            let good = try MessageDeframer.frame(text("good").serialized(prefix: 5), isCompressed: true)
            let bomb = try MessageDeframer.frame([UInt8](repeating: 0, count: 100_000), isCompressed: true)
            let answer = try await served.exchange(
                .post, "/slipway.test.Probe/Chat", ["content-type": "application/grpc", "grpc-encoding": "gzip"],
                body: Array(good + bomb + bomb), over: .http2)
            #expect((answer.trailers ?? answer.fields)["grpc-status"] == "8")
            #expect(taken.withLock { $0 } == 1)
        }
    }

    @Test("one call too many is refused with a hint when to come again", arguments: Manner.allCases)
    func calls(_ manner: Manner) async throws {
        var configuration = RPCServerConfiguration()
        configuration.callsInFlight = 1
        let (started, release) = (Gate(), Gate())
        let handler = MethodHandler.unary(Probe.echo) { request, _ in
            started.open()
            await release.wait()
            return ServerResponse(request.message)
        }
        try await withServer([Offer(handler)], configuration: configuration) { served in
            let holding = served.channel(.grpc)
            let first = Task { try await holding.unary(Probe.echo, text("first")).value }
            await started.wait()
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("second")) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("callsInFlight") == true)
            #expect(error?.metadata["grpc-retry-pushback-ms"] == "200")
            #expect(error?.details.first?.decode(as: Google.Rpc.RetryInfo.self)?.retryDelay?.nanos == 200_000_000)
            release.open()
            let value = try await first.value
            #expect(value == "first")
        }
    }

    @Test("damaged gzip data is the caller's error")
    func damaged() async throws {
        try await withServer([Offer(Probe.echoing)]) { served in
            let answer = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "content-encoding": "gzip"],
                body: [0x1f, 0x8b, 8, 0, 1, 2, 3])
            #expect(answer.status == 400)
            #expect(answer.error?.code == .invalidArgument)
        }
    }
}
