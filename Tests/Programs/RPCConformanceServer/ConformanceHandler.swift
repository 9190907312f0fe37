import Loop
import Protobuf
import RPC
import TestContracts

typealias Conformance = Connectrpc.Conformance.V1

/// `connectrpc.conformance.v1.ConformanceService`: answers as each request asks, and tells what it saw.
struct ConformanceHandler: Conformance.ConformanceService.Service {
    func unary(
        request: ServerRequest<Conformance.UnaryRequest>, context: ServerContext
    ) async throws -> ServerResponse<Conformance.UnaryResponse> {
        var response = Conformance.UnaryResponse()
        response.payload = try await answer(request.message.responseDefinition, [request.message], context)
        return ServerResponse(response)
    }

    func idempotentUnary(
        request: ServerRequest<Conformance.IdempotentUnaryRequest>, context: ServerContext
    ) async throws -> ServerResponse<Conformance.IdempotentUnaryResponse> {
        var response = Conformance.IdempotentUnaryResponse()
        response.payload = try await answer(request.message.responseDefinition, [request.message], context)
        return ServerResponse(response)
    }

    func clientStream(
        requests: RequestStream<Conformance.ClientStreamRequest>, context: ServerContext
    ) async throws -> ServerResponse<Conformance.ClientStreamResponse> {
        var all: [Conformance.ClientStreamRequest] = []
        for try await request in requests { all.append(request) }
        var response = Conformance.ClientStreamResponse()
        response.payload = try await answer(all.first?.responseDefinition, all, context)
        return ServerResponse(response)
    }

    func serverStream(
        request: ServerRequest<Conformance.ServerStreamRequest>,
        responses: ResponseWriter<Conformance.ServerStreamResponse>, context: ServerContext
    ) async throws {
        let definition = request.message.responseDefinition ?? Conformance.StreamResponseDefinition()
        begin(definition.responseHeaders, definition.responseTrailers, context)
        if !definition.responseData.isEmpty { try await responses.sendHead() }
        var info: Conformance.ConformancePayload.RequestInfo? = requestInfo([request.message], context)
        for data in definition.responseData {
            try await pause(definition.responseDelayMs, context)
            var response = Conformance.ServerStreamResponse()
            response.payload = payload(data, info)
            try await responses.write(response)
            info = nil
        }
        try fail(definition.error, info)
    }

    func bidiStream(
        requests: RequestStream<Conformance.BidiStreamRequest>,
        responses: ResponseWriter<Conformance.BidiStreamResponse>, context: ServerContext
    ) async throws {
        var definition: Conformance.StreamResponseDefinition?
        var isFullDuplex = false
        var next = 0
        var unanswered: [Conformance.BidiStreamRequest] = []
        for try await request in requests {
            if definition == nil {
                let first = request.responseDefinition ?? Conformance.StreamResponseDefinition()
                begin(first.responseHeaders, first.responseTrailers, context)
                definition = first
                isFullDuplex = request.fullDuplex
                if isFullDuplex, !first.responseData.isEmpty { try await responses.sendHead() }
            }
            unanswered.append(request)
            guard isFullDuplex, let definition else { continue }
            guard next < definition.responseData.count else { break }
            try await pause(definition.responseDelayMs, context)
            var response = Conformance.BidiStreamResponse()
            let info =
                next == 0 ? requestInfo(unanswered, context) : requestInfo(requests: unanswered)
            response.payload = payload(definition.responseData[next], info)
            try await responses.write(response)
            unanswered = []
            next += 1
        }
        guard let definition else { return }
        for data in definition.responseData.dropFirst(next) {
            try await pause(definition.responseDelayMs, context)
            var response = Conformance.BidiStreamResponse()
            response.payload = payload(data, next == 0 ? requestInfo(unanswered, context) : nil)
            try await responses.write(response)
            next += 1
        }
        try fail(definition.error, next == 0 ? requestInfo(unanswered, context) : nil)
    }

    func unimplemented(
        request: ServerRequest<Conformance.UnimplementedRequest>, context: ServerContext
    ) async throws -> ServerResponse<Conformance.UnimplementedResponse> {
        throw RPCError(.unimplemented, "Unimplemented is not implemented, as its name says")
    }

    // MARK: parts of an answer

    private func answer(
        _ definition: Conformance.UnaryResponseDefinition?, _ requests: [some Message], _ context: ServerContext
    ) async throws -> Conformance.ConformancePayload {
        let definition = definition ?? Conformance.UnaryResponseDefinition()
        begin(definition.responseHeaders, definition.responseTrailers, context)
        try await pause(definition.responseDelayMs, context)
        let info = requestInfo(requests, context)
        switch definition.response {
        case .error(let error): throw rpcError(error, info)
        case .responseData(let data): return payload(data, info)
        case nil: return payload([], info)
        }
    }

    private func begin(
        _ headers: [Conformance.Header], _ trailers: [Conformance.Header], _ context: ServerContext
    ) {
        for header in headers { for value in header.value { context.responseMetadata.add(header.name, value) } }
        for header in trailers { for value in header.value { context.trailingMetadata.add(header.name, value) } }
        context.compressesResponses = context.isLatestRequestCompressed
    }

    private func pause(_ milliseconds: UInt32, _ context: ServerContext) async throws {
        if milliseconds > 0 { try await context.loop.sleep(for: .milliseconds(Int64(milliseconds))) }
    }

    private func payload(
        _ data: Bytes, _ info: Conformance.ConformancePayload.RequestInfo?
    ) -> Conformance.ConformancePayload {
        var payload = Conformance.ConformancePayload()
        payload.data = data
        payload.requestInfo = info
        return payload
    }

    private func requestInfo(
        _ requests: [some Message], _ context: ServerContext
    ) -> Conformance.ConformancePayload.RequestInfo {
        var info = requestInfo(requests: requests)
        var seen: Set<String> = []
        for (name, _) in context.metadata where seen.insert(name).inserted {
            var header = Conformance.Header()
            header.name = name
            header.value = context.metadata.values(name)
            info.requestHeaders.append(header)
        }
        if let timeout = context.timeout { info.timeoutMs = timeout.wholeNanoseconds / 1_000_000 }
        if context.request.method == .get { info.connectGetInfo = getInfo(context.request.query ?? "") }
        return info
    }

    private func requestInfo(requests: [some Message]) -> Conformance.ConformancePayload.RequestInfo {
        var info = Conformance.ConformancePayload.RequestInfo()
        info.requests = requests.map { request in
            var any = Google.Protobuf.`Any`()
            any.typeUrl = "type.googleapis.com/" + type(of: request).messageName
            any.value = request.serialized()[...]
            return any
        }
        return info
    }

    private func getInfo(_ query: String) -> Conformance.ConformancePayload.ConnectGetInfo {
        var info = Conformance.ConformancePayload.ConnectGetInfo()
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            var parameter = Conformance.Header()
            parameter.name = String(pair[0])
            parameter.value = [pair.count > 1 ? String(pair[1]) : ""]
            info.queryParams.append(parameter)
        }
        return info
    }

    private func fail(
        _ error: Conformance.Error?, _ info: Conformance.ConformancePayload.RequestInfo?
    ) throws {
        if let error { throw rpcError(error, info) }
    }

    private func rpcError(
        _ error: Conformance.Error, _ info: Conformance.ConformancePayload.RequestInfo?
    ) -> RPCError {
        var details = error.details.map { any in
            ErrorDetail(typeName: String(any.typeUrl.split(separator: "/").last ?? ""), value: any.value)
        }
        if let info { details.append(ErrorDetail(info)) }
        return RPCError(RPCCode(rawValue: Int(error.code.rawValue)), error.message ?? "", details: details)
    }
}
