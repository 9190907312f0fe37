import Glibc
import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

typealias Text = Google.Protobuf.StringValue
typealias Number = Google.Protobuf.Int32Value

func text(_ value: String) -> Text {
    var message = Text()
    message.value = value
    return message
}

func number(_ value: Int) -> Number {
    var message = Number()
    message.value = Int32(value)
    return message
}

/// Methods whose messages come with protobuf itself.
enum Probe {
    static let service = "slipway.test.Probe"

    static func method<Request: Message, Response: Message>(
        _ name: String, _ shape: CallShape, _ idempotency: Idempotency = .unknown
    ) -> MethodDescriptor<Request, Response> {
        MethodDescriptor(service: service, name: name, shape: shape, idempotency: idempotency)
    }

    static let echo: MethodDescriptor<Text, Text> = method("Echo", .unary)
    static let read: MethodDescriptor<Text, Text> = method("Read", .unary, .noSideEffects)
    static let count: MethodDescriptor<Number, Number> = method("Count", .serverStreaming)
    static let sum: MethodDescriptor<Number, Number> = method("Sum", .clientStreaming)
    static let chat: MethodDescriptor<Text, Text> = method("Chat", .bidirectional)
}

/// Answers, and does what a call's metadata asks for: `fail-with` a code, `wait-ms`, `fail-first` a number of attempts.
final class ProbeService: RPCService {
    let name: String
    let attempts = Lock(0)
    let cancelled = Lock(0)

    init(name: String = "probe") { self.name = name }

    func handlers() -> [MethodHandler] {
        [
            .unary(Probe.echo) { [self] in try await answer($0, $1) },
            .unary(Probe.read) { [self] in try await answer($0, $1) },
            .streaming(Probe.count) { [self] requests, responses, context in
                let last = Int(try await requests.only().value)
                context.trailingMetadata.add("counted", "\(last)")
                do {
                    for value in 1...max(1, last) { try await responses.write(number(value)) }
                } catch {
                    cancelled.withLock { $0 += 1 }
                    throw error
                }
                try fail(context)
            },
            .streaming(Probe.sum) { [self] requests, responses, context in
                var sum = 0
                for try await message in requests {
                    sum += Int(message.value)
                    if context.metadata["answer-early"] != nil { break }
                }
                try fail(context)
                try await responses.write(number(sum))
            },
            .streaming(Probe.chat) { [self] requests, responses, context in
                try await withTaskCancellationHandler {
                    for try await message in requests { try await responses.write(message) }
                    try fail(context)
                } onCancel: {
                    cancelled.withLock { $0 += 1 }
                }
            },
        ]
    }

    private func answer(
        _ request: ServerRequest<Text>, _ context: ServerContext
    ) async throws -> ServerResponse<Text> {
        let attempt = attempts.withLock {
            $0 += 1
            return $0
        }
        if let wait = context.metadata["wait-ms"].flatMap(Int.init) {
            try await context.loop.sleep(for: .milliseconds(wait))
        }
        if let first = context.metadata["fail-first"].flatMap(Int.init), attempt <= first {
            throw RPCError(.unavailable, "attempt \(attempt) fails", metadata: pushback(context))
        }
        try fail(context)
        var response = ServerResponse(text(request.message.value), metadata: ["served-by": name])
        response.trailingMetadata.add("attempts-before", context.metadata["grpc-previous-rpc-attempts"] ?? "0")
        response.trailingMetadata.add("seen-bin", binary: context.metadata.binary("sent-bin").first ?? [])
        return response
    }

    private func pushback(_ context: ServerContext) -> Metadata {
        context.metadata["pushback"].map { ["grpc-retry-pushback-ms": $0] } ?? [:]
    }

    private func fail(_ context: ServerContext) throws {
        guard let code = context.metadata["fail-with"].flatMap(Int.init) else { return }
        throw RPCError(
            RPCCode(rawValue: code), "failed, as asked: 100 % süß\n",
            details: [ErrorDetail(text("a detail"))], metadata: ["reason": "asked"])
    }
}

/// A server on a port that the system chose, and loops for both sides.
final class ProbeServer: Sendable {
    let loops: LoopGroup
    let service: ProbeService
    let rpc: RPCServer
    let http: HTTPServer

    init(
        name: String = "probe", address: SocketAddress = .tcp(host: "127.0.0.1", port: 0), tls: TLSContext? = nil,
        limits: HTTPLimits = HTTPLimits()
    ) async throws {
        loops = try LoopGroup(count: 1, name: "server")
        try loops.start()
        service = ProbeService(name: name)
        rpc = RPCServer(services: [service])
        http = HTTPServer(
            endpoints: [HTTPServer.Endpoint(address, tls: tls)], loops: loops, limits: limits, handler: rpc)
        try await http.start()
    }

    var address: SocketAddress { http.addresses[0] }

    func stop(grace: Duration = .zero) async {
        await http.shutdown(grace: grace)
        loops.stop()
    }
}

/// Runs `body` with a server and a channel to it, and checks that neither keeps anything.
func withProbe(
    _ configuration: ChannelConfiguration = ChannelConfiguration(), limits: HTTPLimits = HTTPLimits(),
    _ body: (ProbeServer, NetworkChannel) async throws -> Void
) async throws {
    let server = try await ProbeServer(limits: limits)
    let loops = try LoopGroup(count: 2, name: "client")
    try loops.start()
    let channel = NetworkChannel(server.address, loops: loops, configuration: configuration)
    do { try await body(server, channel) } catch {
        await channel.close(grace: .zero)
        await server.stop()
        loops.stop()
        throw error
    }
    await channel.close(grace: .seconds(5))
    #expect(channel.statistics.openConnections == 0)
    #expect(channel.statistics.openStreams == 0)
    #expect(channel.statistics.callsInFlight == 0)
    await server.stop(grace: .seconds(5))
    #expect(server.rpc.callsInFlight == 0)
    loops.stop()
}

/// The error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> RPCError? {
    do { try await body() } catch let error as RPCError { return error } catch {
        Issue.record("not an RPCError: \(error)")
        return nil
    }
    Issue.record("no error came")
    return nil
}
