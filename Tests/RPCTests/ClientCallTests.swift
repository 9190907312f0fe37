import HTTP
import Loop
import Testing

@testable import RPC

/// The channel configurations in which every call must work alike.
enum Manner: String, CaseIterable, Sendable {
    case grpc, grpcJSON, grpcGzip, connect, connectJSON, connectGzip, connectHTTP1

    /// Those that can talk in both directions at once.
    static var fullDuplex: [Manner] { allCases.filter { $0 != .connectHTTP1 } }

    var configuration: ChannelConfiguration {
        var configuration = ChannelConfiguration()
        switch self {
        case .grpc: break
        case .grpcJSON: configuration.codec = .json
        case .grpcGzip: configuration.compression = .gzip
        case .connect: configuration.callProtocol = .connect
        case .connectJSON:
            configuration.callProtocol = .connect
            configuration.codec = .json
        case .connectGzip:
            configuration.callProtocol = .connect
            configuration.compression = .gzip
        case .connectHTTP1:
            configuration.callProtocol = .connect
            configuration.httpProtocol = .http11
        }
        return configuration
    }
}

@Suite("Calls over sockets", .timeLimit(.minutes(1)))
struct ClientCallTests {
    @Test("a unary call returns the response with its metadata", arguments: Manner.allCases)
    func unary(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            var metadata: Metadata = [:]
            metadata.add("sent-bin", binary: [0, 1, 255])
            let response = try await channel.unaryResponse(Probe.echo, text("hello"), metadata: metadata)
            #expect(response.message.value == "hello")
            #expect(response.metadata["served-by"] == "probe")
            #expect(response.trailingMetadata.binary("seen-bin") == [[0, 1, 255]])
            let empty = try await channel.unary(Probe.echo, text(""))
            #expect(empty.value == "")
        }
    }

    @Test("a failed call throws code, message, details and metadata", arguments: Manner.allCases)
    func failing(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            for code in 1...16 {
                let error = await failure {
                    _ = try await channel.unary(Probe.echo, text("x"), metadata: ["fail-with": "\(code)"])
                }
                #expect(error?.code.rawValue == code)
                #expect(error?.message == "failed, as asked: 100 % süß\n")
                #expect(error?.details.first?.decode(as: Text.self)?.value == "a detail")
                #expect(error?.metadata["reason"] == "asked")
            }
        }
    }

    @Test("a server stream is read to its end, with trailers", arguments: Manner.allCases)
    func serverStreaming(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let (values, trailing) = try await channel.serverStreaming(Probe.count, number(1000)) { responses in
                var values: [Int] = []
                for try await message in responses { values.append(Int(message.value)) }
                return (values, await responses.trailingMetadata)
            }
            #expect(values == Array(1...1000))
            #expect(trailing["counted"] == "1000")
        }
    }

    @Test("a server stream that fails delivers its messages first", arguments: Manner.allCases)
    func serverStreamFails(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            var count = 0
            let error = await failure {
                try await channel.serverStreaming(Probe.count, number(20), metadata: ["fail-with": "9"]) { responses in
                    for try await _ in responses { count += 1 }
                }
            }
            #expect(count == 20)
            #expect(error?.code == .failedPrecondition)
        }
    }

    @Test("a client stream is summed up", arguments: Manner.allCases)
    func clientStreaming(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let sum = try await channel.clientStreaming(Probe.sum) { requests in
                for value in 1...1000 { try await requests.write(number(value)) }
            }
            #expect(sum.value == 500_500)
        }
    }

    @Test("a call that may send many messages and sends its only one is begun once", arguments: Manner.allCases)
    func onlyOne(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { server, channel in
            for value in 1...50 {
                let request = ClientRequest(method: Probe.sum.method)
                let sum = try await channel.withCall(request) { call in
                    try await call.sendOnly(number(value))
                    return try await call.onlyMessage(of: Number.self)
                }
                #expect(sum.value == number(value).value)
            }
            #expect(server.rpc.callsEver == 50)
        }
    }

    @Test("a call that is given up before its answer keeps no other from being made", arguments: Manner.allCases)
    func givenUp(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            for _ in 0..<20 {
                let error = await failure {
                    _ = try await channel.unary(
                        Probe.echo, text("x"), metadata: ["wait-ms": "60000"],
                        options: CallOptions(timeout: .milliseconds(5)))
                }
                #expect(error?.code == .deadlineExceeded)
                let next = try await channel.unary(Probe.echo, text("y"))
                #expect(next.value == "y")
            }
        }
    }

    @Test("requests and responses alternate on a bidirectional stream", arguments: Manner.fullDuplex)
    func bidirectional(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            try await channel.bidirectional(Probe.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                for value in 0..<50 {
                    try await requests.write(text("message \(value)"))
                    let answer = try await iterator.next()
                    #expect(answer?.value == "message \(value)")
                }
                try await requests.finish()
                let end = try await iterator.next()
                #expect(end == nil)
            }
        }
    }

    @Test("messages larger than every window come through, both ways", arguments: Manner.fullDuplex)
    func large(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let body = String(repeating: "slipway ", count: 1024 * 1024)
            let answer = try await channel.unary(Probe.echo, text(body))
            #expect(answer.value == body)
            try await channel.bidirectional(Probe.chat) { requests, responses in
                async let read = responses.reduce(0) { $0 + $1.value.utf8.count }
                for _ in 0..<5 { try await requests.write(text(body)) }
                try await requests.finish()
                let total = try await read
                #expect(total == 5 * body.utf8.count)
            }
        }
    }

    @Test(
        "a response over the limit is refused, and the error names the limit and its setting",
        arguments: Manner.allCases)
    func overLimit(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let error = await failure {
                _ = try await channel.unary(
                    Probe.echo, text(String(repeating: "x", count: 2000)), options: CallOptions(messageBytes: 1000))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("1000 bytes (setting messageBytes)") == true)
        }
    }

    @Test(
        "a method without side effects is called with GET when asked",
        arguments: [Manner.connect, .connectJSON, .connectGzip])
    func get(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let answer = try await channel.unary(
                Probe.read, text("süß & bitter?"), options: CallOptions(usesGet: true))
            #expect(answer.value == "süß & bitter?")
            // What no URL should hold is posted.
            let long = String((0..<20_000).map { Character(Unicode.Scalar(UInt8(97 + $0 * 7 % 26))) })
            #expect(try await channel.unary(Probe.read, text(long), options: CallOptions(usesGet: true)).value == long)
        }
    }

    @Test("an unknown method is unimplemented", arguments: Manner.allCases)
    func unknownMethod(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let method: MethodDescriptor<Text, Text> = Probe.method("Nothing", .unary)
            let error = await failure { _ = try await channel.unary(method, text("x")) }
            #expect(error?.code == (manner.configuration.callProtocol == .grpc ? .unimplemented : .notFound))
        }
    }

    @Test("a call from a loop's own thread stays on that loop")
    func staysOnLoop() async throws {
        try await withProbe { server, _ in
            let loops = try LoopGroup(count: 1)
            try loops.start()
            let channel = NetworkChannel(server.address, loops: loops)
            let loop = loops.loops[0]
            let stayed = try await Task(executorPreference: loop) {
                _ = try await channel.unary(Probe.echo, text("x"))
                return loop.isCurrent
            }.value
            #expect(stayed)
            await channel.close()
            loops.stop()
        }
    }

    @Test("metadata that belongs to the protocol is refused before anything is sent")
    func reservedMetadata() async throws {
        try await withProbe { _, channel in
            let error = await failure {
                _ = try await channel.unary(Probe.echo, text("x"), metadata: ["grpc-status": "0"])
            }
            #expect(error?.code == .invalidArgument)
            #expect(channel.statistics.connectionsEver == 0)
        }
    }
}
