import HTTP
import Protobuf
import TestContracts
import Testing

@testable import RPC

private typealias T = Grpc.Testing

private func response(_ user: String) -> Grpc.Testing.SimpleResponse {
    var response = Grpc.Testing.SimpleResponse()
    response.username = user
    return response
}

private func output(_ text: String) -> Grpc.Testing.StreamingOutputCallResponse {
    var response = Grpc.Testing.StreamingOutputCallResponse()
    var payload = Grpc.Testing.Payload()
    payload.body = Array(text.utf8)[...]
    response.payload = payload
    return response
}

private func total(_ size: Int) -> Grpc.Testing.StreamingInputCallResponse {
    var response = Grpc.Testing.StreamingInputCallResponse()
    response.aggregatedPayloadSize = Int32(size)
    return response
}

/// The simple height, with one method dropped to the plain and one to the streaming height.
private struct Simple: Grpc.Testing.TestService.SimpleService {
    func emptyCall(_ request: T.Empty, context: ServerContext) async throws -> T.Empty { request }
    func unaryCall(_ request: T.SimpleRequest, context: ServerContext) async throws -> T.SimpleResponse {
        response("simple")
    }
    func cacheableUnaryCall(_ request: T.SimpleRequest, context: ServerContext) async throws -> T.SimpleResponse {
        response("simple and not to be reached")
    }
    func cacheableUnaryCall(
        request: ServerRequest<T.SimpleRequest>, context: ServerContext
    ) async throws -> ServerResponse<T.SimpleResponse> {
        ServerResponse(response("dropped"), metadata: ["height": "plain"], trailingMetadata: ["behind": "it"])
    }
    func streamingOutputCall(
        _ request: T.StreamingOutputCallRequest, responses: ResponseWriter<T.StreamingOutputCallResponse>,
        context: ServerContext
    ) async throws {
        for text in ["one", "two"] { try await responses.write(output(text)) }
    }
    func streamingInputCall(
        _ requests: RequestStream<T.StreamingInputCallRequest>, context: ServerContext
    ) async throws -> T.StreamingInputCallResponse { total(-1) }
    func streamingInputCall(
        requests: RequestStream<T.StreamingInputCallRequest>,
        responses: ResponseWriter<T.StreamingInputCallResponse>, context: ServerContext
    ) async throws {
        var size = 0
        for try await request in requests { size += request.payload?.body.count ?? 0 }
        try await responses.write(total(size))
    }
    func fullDuplexCall(
        requests: RequestStream<T.StreamingOutputCallRequest>,
        responses: ResponseWriter<T.StreamingOutputCallResponse>, context: ServerContext
    ) async throws {
        for try await _ in requests { try await responses.write(output("echo")) }
    }
    func halfDuplexCall(
        requests: RequestStream<T.StreamingOutputCallRequest>,
        responses: ResponseWriter<T.StreamingOutputCallResponse>, context: ServerContext
    ) async throws {}
    func unimplementedCall(_ request: T.Empty, context: ServerContext) async throws -> T.Empty { request }
}

/// The plain height.
private struct Plain: Grpc.Testing.ReconnectService.Service {
    func start(
        request: ServerRequest<T.ReconnectParams>, context: ServerContext
    ) async throws -> ServerResponse<T.Empty> {
        ServerResponse(T.Empty(), metadata: ["asked-by": request.metadata["name"] ?? "nobody"])
    }
    func stop(request: ServerRequest<T.Empty>, context: ServerContext) async throws -> ServerResponse<T.ReconnectInfo> {
        var info = T.ReconnectInfo()
        info.passed = true
        return ServerResponse(info)
    }
}

/// The streaming height of methods that have one message each way.
private struct Streaming: Grpc.Testing.UnimplementedService.StreamingService {
    func unimplementedCall(
        requests: RequestStream<T.Empty>, responses: ResponseWriter<T.Empty>, context: ServerContext
    ) async throws {
        let message = try await requests.only()
        context.trailingMetadata.add("height", "streaming")
        try await responses.write(message)
    }
}

@Suite("Generated services", .serialized, .timeLimit(.minutes(1)))
struct GeneratedServiceTests {
    @Test("a method at the simple height is reached, in all four shapes", arguments: Manner.fullDuplex)
    func simple(_ manner: Manner) async throws {
        try await withServer([Simple()]) { served in
            let client = T.TestService.Client(served.channel(manner))
            #expect(try await client.unaryCall(T.SimpleRequest()).username == "simple")
            let outputs = try await client.streamingOutputCall(T.StreamingOutputCallRequest()) { responses in
                var texts: [String] = []
                for try await message in responses {
                    texts.append(String(decoding: message.payload?.body ?? [], as: UTF8.self))
                }
                return texts
            }
            #expect(outputs == ["one", "two"])
            let echoes = try await client.fullDuplexCall { requests, responses in
                for _ in 0..<3 { try await requests.write(T.StreamingOutputCallRequest()) }
                try await requests.finish()
                var count = 0
                for try await _ in responses { count += 1 }
                return count
            }
            #expect(echoes == 3)
        }
    }

    @Test("one method dropped to the plain height is reached there, the others stay", arguments: Manner.allCases)
    func droppedToPlain(_ manner: Manner) async throws {
        try await withServer([Simple()]) { served in
            let channel = served.channel(manner)
            let dropped = try await channel.unaryResponse(
                T.TestService.Methods.cacheableUnaryCall, T.SimpleRequest())
            #expect(dropped.message.username == "dropped")
            #expect(dropped.metadata["height"] == "plain")
            #expect(dropped.trailingMetadata["behind"] == "it")
            #expect(try await T.TestService.Client(channel).unaryCall(T.SimpleRequest()).username == "simple")
        }
    }

    @Test("one streaming method dropped to the streaming height is reached there")
    func droppedToStreaming() async throws {
        try await withServer([Simple()]) { served in
            let sum = try await T.TestService.Client(served.channel()).streamingInputCall { requests in
                var request = T.StreamingInputCallRequest()
                var payload = T.Payload()
                payload.body = [1, 2, 3]
                request.payload = payload
                for _ in 0..<2 { try await requests.write(request) }
            }
            #expect(sum.aggregatedPayloadSize == 6)
        }
    }

    @Test("a method at the plain height hears and says metadata", arguments: Manner.allCases)
    func plain(_ manner: Manner) async throws {
        try await withServer([Plain()]) { served in
            let channel = served.channel(manner)
            let started = try await channel.unaryResponse(
                T.ReconnectService.Methods.start, T.ReconnectParams(), metadata: ["name": "tester"])
            #expect(started.metadata["asked-by"] == "tester")
            #expect(try await T.ReconnectService.Client(channel).stop(T.Empty()).passed)
        }
    }

    @Test("a unary method at the streaming height answers as any other", arguments: Manner.allCases)
    func streaming(_ manner: Manner) async throws {
        try await withServer([Streaming()]) { served in
            let answer = try await served.channel(manner).unaryResponse(
                T.UnimplementedService.Methods.unimplementedCall, T.Empty())
            #expect(answer.trailingMetadata["height"] == "streaming")
        }
    }

    @Test("in process the same service is reached without a socket")
    func inProcess() async throws {
        try await withServer([Simple()]) { served in
            let channel = InProcessChannel(served.rpc, loops: served.clientLoops)
            let answer = try await T.TestService.Client(channel).unaryCall(T.SimpleRequest())
            #expect(answer.username == "simple")
            await channel.close()
        }
    }

    @Test("an unknown method of a known service and an unknown service are told apart")
    func unknown() async throws {
        try await withServer([Simple()]) { served in
            let (_, method) = try await served.grpc("/grpc.testing.TestService/Nothing", T.Empty())
            #expect(method["grpc-status"] == "12")
            #expect(method["grpc-message"]?.contains("no method") == true)
            let (_, service) = try await served.grpc("/grpc.testing.Nobody/Nothing", T.Empty())
            #expect(service["grpc-status"] == "12")
            #expect(service["grpc-message"]?.contains("no service") == true)
        }
    }
}
