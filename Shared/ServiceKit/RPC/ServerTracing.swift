import RPC

/// Makes a span of each call that a server takes, under the caller's trace where it sent one, and the task's trace of it:
/// logs and calls made on the way belong to it.
public struct ServerTracing: ServerInterceptor {
    private let tracer: Tracer

    public init(_ tracer: Tracer) { self.tracer = tracer }

    public func intercept(_ context: ServerContext, next: (ServerContext) async throws -> Void) async throws {
        let metadata = context.metadata
        // More than one traceparent is as good as none.
        let sent = metadata.values("traceparent")
        let parent =
            sent.count == 1 ? TraceContext(traceparent: sent[0], tracestate: metadata.values("tracestate")) : nil
        let span = tracer.begin(
            "\(context.method.service)/\(context.method.name)", kind: .server, parent: parent,
            [
                "rpc.system": .string(context.dialect == .grpc ? "grpc" : "connect_rpc"),
                "rpc.service": .string(context.method.service), "rpc.method": .string(context.method.name),
                "client.address": .string(context.peer.address),
            ])
        defer { span.end() }
        try await TraceContext.$current.withValue(span.context) {
            do { try await next(context) } catch {
                let failure = RPCError(error)
                span.set("rpc.grpc.status_code", .integer(failure.code.rawValue))
                span.set(status: .error(failure.code.name))
                throw error
            }
        }
        span.set("rpc.grpc.status_code", .integer(0))
    }
}

/// Makes a span of each call that a channel makes, and sends the trace with it.
public struct ClientTracing: ClientInterceptor {
    private let tracer: Tracer

    public init(_ tracer: Tracer) { self.tracer = tracer }

    public func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        let span = tracer.begin(
            "\(request.method.service)/\(request.method.name)", kind: .client,
            [
                "rpc.system": "grpc", "rpc.service": .string(request.method.service),
                "rpc.method": .string(request.method.name),
            ])
        defer { span.end() }
        var request = request
        request.metadata.set("traceparent", span.context.traceparent)
        if !span.context.state.isEmpty { request.metadata.set("tracestate", span.context.state) }
        do { return try await next(request) } catch {
            let failure = RPCError(error)
            span.set("rpc.grpc.status_code", .integer(failure.code.rawValue))
            span.set(status: .error(failure.code.name))
            throw error
        }
    }
}
