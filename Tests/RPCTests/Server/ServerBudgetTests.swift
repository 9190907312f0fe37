import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

/// A body that begins, and goes on when the gate opens or the exchange is given up.
private struct Halting: AsyncSequence, Sendable {
    let bytes: [UInt8]
    let gate: Gate
    var rest: [UInt8] = []

    struct AsyncIterator: AsyncIteratorProtocol {
        var pieces: [ArraySlice<UInt8>]
        let gate: Gate
        var given = 0

        mutating func next() async throws -> ArraySlice<UInt8>? {
            if given == 1 { await gate.wait() }
            guard given < pieces.count else { return nil }
            defer { given += 1 }
            return pieces[given]
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: [bytes[...], rest[...]], gate: gate) }
}

@Suite("A server's budget for large messages", .serialized, .timeLimit(.minutes(2)))
struct ServerBudgetTests {
    private static var oneMebibyte: RPCServerConfiguration {
        var configuration = RPCServerConfiguration()
        configuration.bufferedBytes = 1024 * 1024
        return configuration
    }

    private func large(_ count: Int) -> Text { text(String(repeating: "x", count: count)) }

    /// What a gRPC message of `length` bytes begins with.
    private func begin(_ count: Int, of length: Int) -> [UInt8] {
        [0, UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
            + [UInt8](repeating: 10, count: count)
    }

    /// Begins a request and waits; ends with its task.
    private func hold(
        _ served: Served, _ client: HTTPClient, _ bytes: [UInt8], type: String = "application/grpc", _ gate: Gate
    ) -> Task<Void, Never> {
        let head = RequestHead(
            method: .post, authority: "\(served.address)", path: Probe.echoPath,
            fields: ["content-type": type, "te": "trailers"])
        return Task {
            try? await client.execute(head, .stream(Halting(bytes: bytes, gate: gate))) { _, body in
                _ = try await body.collect(upTo: 1 << 20)
            }
        }
    }

    private func withClient(
        _ served: Served, _ version: ClientProtocol = .http2, _ body: (HTTPClient) async throws -> Void
    ) async throws {
        let resolver = ComputePool(threads: 1)
        var configuration = HTTPClient.Configuration(wanted: version)
        configuration.connectionsPerOrigin = 100
        let client = HTTPClient(loops: served.clientLoops, resolver: resolver, configuration: configuration)
        do { try await body(client) } catch { Issue.record(error) }
        await client.close()
    }

    @Test("lengths that are promised and not sent keep nobody out")
    func promises() async throws {
        try await withServer([Offer(Probe.echoing)], configuration: Self.oneMebibyte) { served in
            try await withClient(served) { client in
                let gate = Gate()
                let calls = (0..<50).map { _ in hold(served, client, begin(10, of: 60_000_000), gate) }
                await eventually { served.rpc.callsInFlight == 50 }
                #expect(served.rpc.bufferedBytes == 0)
                let answer = try await served.channel().unary(Probe.echo, large(300_000))
                #expect(answer.value.utf8.count == 300_000)
                for call in calls { call.cancel() }
                for call in calls { await call.value }
            }
            await eventually { served.rpc.bufferedBytes == 0 }
        }
    }

    @Test(
        "a large message that finds no room is refused with a hint and the setting; small ones never are",
        arguments: [Manner.grpc, .grpcJSON, .connect, .connectJSON, .connectHTTP1])
    func exhausted(_ manner: Manner) async throws {
        try await withServer([Offer(Probe.echoing)], configuration: Self.oneMebibyte) { served in
            let channel = served.channel(manner)
            try await withClient(served) { client in
                let gate = Gate()
                let holders = (0..<2).map { _ in hold(served, client, begin(440_000, of: 60_000_000), gate) }
                await eventually { served.rpc.bufferedBytes == 2 * 448 * 1024 }
                let error = await failure { _ = try await channel.unary(Probe.echo, large(400_000)) }
                #expect(error?.code == .resourceExhausted)
                #expect(error?.message.contains("1048576 bytes already (setting bufferedBytes)") == true)
                #expect(error?.metadata["grpc-retry-pushback-ms"] == "200")
                #expect(error?.details.first?.decode(as: Google.Rpc.RetryInfo.self)?.retryDelay?.nanos == 200_000_000)
                #expect(served.rpc.bufferedBytes == 2 * 448 * 1024, "what was refused holds nothing")
                for _ in 0..<20 {
                    let answer = try await channel.unary(Probe.echo, large(60_000))
                    #expect(answer.value.utf8.count == 60_000)
                }
                for holder in holders { holder.cancel() }
                await eventually { served.rpc.bufferedBytes == 0 }
                let answer = try await channel.unary(Probe.echo, large(400_000))
                #expect(answer.value.utf8.count == 400_000)
            }
        }
    }

    @Test("over plain HTTP the refusal is a 429 that says when to come again")
    func plain() async throws {
        var configuration = Self.oneMebibyte
        configuration.bufferedBytes = 100_000
        try await withServer([Offer(Probe.echoing)], configuration: configuration) { served in
            let body = Array("\"\(String(repeating: "x", count: 200_000))\"".utf8)
            let answer = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json"], body: body)
            #expect(answer.status == 429)
            #expect(answer.error?.code == .resourceExhausted)
            #expect(answer.fields["retry-after"] == "1")
            #expect(served.rpc.bufferedBytes == 0)
        }
    }

    @Test("large messages that wait for their handler count until it takes them")
    func waiting() async throws {
        let (release, taken) = (Gate(), Gate())
        let handler = MethodHandler.streaming(Probe.chat) { requests, _, _ in
            await release.wait()
            var count = 0
            for try await _ in requests {
                count += 1
                if count == 3 { taken.open() }
            }
        }
        try await withServer([Offer(handler)], configuration: Self.oneMebibyte) { served in
            try await served.channel().bidirectional(Probe.chat) { requests, responses in
                for _ in 0..<3 { try await requests.write(large(200_000)) }
                await eventually { served.rpc.bufferedBytes > 600_000 }
                release.open()
                await taken.wait()
                #expect(served.rpc.bufferedBytes == 0)
                try await requests.finish()
                for try await _ in responses {}
            }
        }
    }

    @Test("after a storm of calls that end in every way nothing is held")
    func storm() async throws {
        let chat = MethodHandler.streaming(Probe.chat) { requests, _, _ in
            // Leaves what came behind the first one.
            for try await _ in requests { return }
        }
        var configuration = RPCServerConfiguration()
        configuration.bufferedBytes = 4 * 1024 * 1024
        try await withServer([Offer(Probe.echoing, chat)], configuration: configuration) { served in
            let channels = [Manner.grpc, .grpcGzip, .connectHTTP1].map { served.channel($0) }
            try await withClient(served) { http2 in
                try await withClient(served, .http11) { http1 in
                    let gate = Gate()
                    var holders: [Task<Void, Never>] = []
                    for index in 0..<20 {
                        holders.append(hold(served, http2, begin(70_000 + index * 4000, of: 9_000_000), gate))
                        let text = [UInt8](repeating: 32, count: 70_000 + index * 4000)
                        holders.append(hold(served, http1, text, type: "application/json", gate))
                    }
                    await eventually { served.rpc.bufferedBytes > 2_000_000 }
                    await withTaskGroup(of: Void.self) { group in
                        for index in 0..<120 {
                            let channel = channels[index % 3]
                            group.addTask {
                                var options = CallOptions()
                                if index % 4 == 1 { options.timeout = .milliseconds(index % 7 + 1) }
                                if index % 4 == 2, index % 3 != 2 {
                                    _ = try? await channel.bidirectional(Probe.chat) { requests, _ in
                                        for _ in 0..<4 { try await requests.write(large(150_000)) }
                                    }
                                } else {
                                    _ = try? await channel.unary(
                                        Probe.echo, large(100_000 + index * 1000), options: options)
                                }
                            }
                        }
                        // A third is cancelled, a third loses its connection below, and the rest goes on to nonsense.
                        for (index, holder) in holders.enumerated() where index % 3 == 0 { holder.cancel() }
                    }
                    await http1.close()
                    gate.open()
                    for holder in holders { await holder.value }
                }
            }
            await eventually { served.rpc.callsInFlight == 0 }
            #expect(served.rpc.bufferedBytes == 0)
        }
    }
}
