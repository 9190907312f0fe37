import Loop
import Protobuf
import RPC
import TestContracts

/// `grpc.testing.TestService` as the public interop descriptions define it.
struct TestServiceHandler: Grpc.Testing.TestService.Service {
    func emptyCall(
        request: ServerRequest<Grpc.Testing.Empty>, context: ServerContext
    ) async throws -> ServerResponse<Grpc.Testing.Empty> {
        echoMetadata(context)
        return ServerResponse(Grpc.Testing.Empty())
    }

    func unaryCall(
        request: ServerRequest<Grpc.Testing.SimpleRequest>, context: ServerContext
    ) async throws -> ServerResponse<Grpc.Testing.SimpleResponse> {
        let message = request.message
        echoMetadata(context)
        try checkCompression(message.expectCompressed, context)
        try throwStatus(message.responseStatus)
        context.compressesResponses = message.responseCompressed?.value ?? false
        var response = Grpc.Testing.SimpleResponse()
        if message.responseSize > 0 || message.payload != nil {
            response.payload = payload(try size(message.responseSize))
        }
        return ServerResponse(response)
    }

    func cacheableUnaryCall(
        request: ServerRequest<Grpc.Testing.SimpleRequest>, context: ServerContext
    ) async throws -> ServerResponse<Grpc.Testing.SimpleResponse> {
        try await unaryCall(request: request, context: context)
    }

    func streamingOutputCall(
        request: ServerRequest<Grpc.Testing.StreamingOutputCallRequest>,
        responses: ResponseWriter<Grpc.Testing.StreamingOutputCallResponse>, context: ServerContext
    ) async throws {
        echoMetadata(context)
        try await answer(request.message, responses, context)
    }

    func streamingInputCall(
        requests: RequestStream<Grpc.Testing.StreamingInputCallRequest>, context: ServerContext
    ) async throws -> ServerResponse<Grpc.Testing.StreamingInputCallResponse> {
        echoMetadata(context)
        var total: Int64 = 0
        for try await request in requests {
            try checkCompression(request.expectCompressed, context)
            total += Int64(request.payload?.body.count ?? 0)
        }
        var response = Grpc.Testing.StreamingInputCallResponse()
        response.aggregatedPayloadSize = Int32(clamping: total)
        return ServerResponse(response)
    }

    func fullDuplexCall(
        requests: RequestStream<Grpc.Testing.StreamingOutputCallRequest>,
        responses: ResponseWriter<Grpc.Testing.StreamingOutputCallResponse>, context: ServerContext
    ) async throws {
        echoMetadata(context)
        for try await request in requests { try await answer(request, responses, context) }
    }

    func halfDuplexCall(
        requests: RequestStream<Grpc.Testing.StreamingOutputCallRequest>,
        responses: ResponseWriter<Grpc.Testing.StreamingOutputCallResponse>, context: ServerContext
    ) async throws {
        echoMetadata(context)
        var all: [Grpc.Testing.StreamingOutputCallRequest] = []
        for try await request in requests { all.append(request) }
        for request in all { try await answer(request, responses, context) }
    }

    func unimplementedCall(
        request: ServerRequest<Grpc.Testing.Empty>, context: ServerContext
    ) async throws -> ServerResponse<Grpc.Testing.Empty> {
        throw RPCError(.unimplemented, "UnimplementedCall is not implemented, as its name says")
    }

    private func answer(
        _ request: Grpc.Testing.StreamingOutputCallRequest,
        _ responses: ResponseWriter<Grpc.Testing.StreamingOutputCallResponse>, _ context: ServerContext
    ) async throws {
        try throwStatus(request.responseStatus)
        // Declared in the head for the whole stream; each message then says for itself.
        if request.responseParameters.contains(where: { $0.compressed != nil }) { context.compressesResponses = true }
        for parameters in request.responseParameters {
            if parameters.intervalUs > 0 {
                try await context.loop.sleep(for: .microseconds(Int64(parameters.intervalUs)))
            }
            var response = Grpc.Testing.StreamingOutputCallResponse()
            response.payload = payload(try size(parameters.size))
            try await responses.write(response, compressed: parameters.compressed?.value ?? false)
        }
    }

    private func throwStatus(_ status: Grpc.Testing.EchoStatus?) throws {
        guard let status, status.code != 0 else { return }
        throw RPCError(RPCCode(rawValue: Int(status.code)), status.message)
    }

    private func size(_ size: Int32) throws -> Int {
        guard size >= 0, size <= 64 * 1024 * 1024 else {
            throw RPCError.badRequest(field: "response_size", "\(size) is not between 0 and 67108864")
        }
        return Int(size)
    }

    private func payload(_ size: Int) -> Grpc.Testing.Payload {
        var payload = Grpc.Testing.Payload()
        payload.body = [UInt8](repeating: 0, count: size)[...]
        return payload
    }

    private func checkCompression(_ expected: Grpc.Testing.BoolValue?, _ context: ServerContext) throws {
        guard let expected, expected.value != context.isLatestRequestCompressed else { return }
        throw RPCError(
            .invalidArgument, "the request should \(expected.value ? "" : "not ")have been compressed")
    }

    private func echoMetadata(_ context: ServerContext) {
        if let initial = context.metadata["x-grpc-test-echo-initial"] {
            context.responseMetadata.add("x-grpc-test-echo-initial", initial)
        }
        for value in context.metadata.binary("x-grpc-test-echo-trailing-bin") {
            context.trailingMetadata.add("x-grpc-test-echo-trailing-bin", binary: value)
        }
    }
}
