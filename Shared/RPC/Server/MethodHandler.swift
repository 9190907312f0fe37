import Protobuf

/// A service that a server can offer. Generated protocols refine this one.
public protocol RPCService: Sendable {
    func handlers() -> [MethodHandler]
}

/// A request of one message, with its metadata.
public struct ServerRequest<Message: Sendable>: Sendable {
    public var message: Message
    public var metadata: Metadata

    public init(message: Message, metadata: Metadata = [:]) {
        self.message = message
        self.metadata = metadata
    }
}

/// A response of one message, with metadata in front of and behind it.
public struct ServerResponse<Message: Sendable>: Sendable {
    public var message: Message
    public var metadata: Metadata
    public var trailingMetadata: Metadata

    public init(_ message: Message, metadata: Metadata = [:], trailingMetadata: Metadata = [:]) {
        self.message = message
        self.metadata = metadata
        self.trailingMetadata = trailingMetadata
    }
}

/// One method as a server runs it, its message types hidden. A reference, because every call carries it.
public final class MethodHandler: Sendable {
    public let method: AnyMethod
    let run: @Sendable (ServerCall) async throws -> Void

    @usableFromInline
    init(method: AnyMethod, run: @escaping @Sendable (ServerCall) async throws -> Void) {
        self.method = method
        self.run = run
    }

    /// One message in, one out: the shortest path. Inlinable, so that it is compiled for its messages where they are
    /// generated.
    @inlinable
    public static func unary<Request: Message, Response: Message>(
        _ descriptor: MethodDescriptor<Request, Response>,
        _ body: @escaping @Sendable (ServerRequest<Request>, ServerContext) async throws -> ServerResponse<Response>
    ) -> MethodHandler {
        MethodHandler(method: descriptor.method) { call in
            // Asked without waiting first: most requests are here as a whole, and each asynchronous call costs.
            let bytes = if let ready = try call.takeOnlyMessage() { ready } else { try await call.onlyMessage() }
            let message = try call.decode(Request.self, bytes)
            let context = call.context
            let response = try await body(ServerRequest(message: message, metadata: context.metadata), context)
            if !response.metadata.isEmpty { context.responseMetadata.append(response.metadata) }
            if !response.trailingMetadata.isEmpty { context.trailingMetadata.append(response.trailingMetadata) }
            call.unaryResponse = try call.encode(response.message)
        }
    }

    /// Messages in both directions; the other shapes are special cases.
    public static func streaming<Request: Message, Response: Message>(
        _ descriptor: MethodDescriptor<Request, Response>,
        _ body:
            @escaping @Sendable (RequestStream<Request>, ResponseWriter<Response>, ServerContext) async throws -> Void
    ) -> MethodHandler {
        MethodHandler(method: descriptor.method) { call in
            try await body(RequestStream(call: call), ResponseWriter(call: call), call.context)
        }
    }

    /// A handler over bytes, for gateways that pass messages on without knowing their types. The codec is the caller's.
    public static func raw(
        _ method: AnyMethod,
        _ body: @escaping @Sendable (RawRequestStream, RawResponseWriter, ServerContext) async throws -> Void
    ) -> MethodHandler {
        MethodHandler(method: method) { call in
            try await body(RawRequestStream(call: call), RawResponseWriter(call: call), call.context)
        }
    }
}

/// How the plain height becomes the streaming one: generated defaults call these.
public enum ServerAdapters {
    public static func unary<Request: Message, Response: Message>(
        _ requests: RequestStream<Request>, _ responses: ResponseWriter<Response>, _ context: ServerContext,
        _ body: (ServerRequest<Request>, ServerContext) async throws -> ServerResponse<Response>
    ) async throws {
        let message = try await requests.only()
        try await send(
            try await body(ServerRequest(message: message, metadata: context.metadata), context), responses, context)
    }

    public static func serverStreaming<Request: Message, Response: Message>(
        _ requests: RequestStream<Request>, _ responses: ResponseWriter<Response>, _ context: ServerContext,
        _ body: (ServerRequest<Request>, ResponseWriter<Response>, ServerContext) async throws -> Void
    ) async throws {
        let message = try await requests.only()
        try await body(ServerRequest(message: message, metadata: context.metadata), responses, context)
    }

    public static func clientStreaming<Request: Message, Response: Message>(
        _ requests: RequestStream<Request>, _ responses: ResponseWriter<Response>, _ context: ServerContext,
        _ body: (RequestStream<Request>, ServerContext) async throws -> ServerResponse<Response>
    ) async throws {
        try await send(try await body(requests, context), responses, context)
    }

    private static func send<Response: Message>(
        _ response: ServerResponse<Response>, _ responses: ResponseWriter<Response>, _ context: ServerContext
    ) async throws {
        context.responseMetadata.append(response.metadata)
        context.trailingMetadata.append(response.trailingMetadata)
        try await responses.write(response.message)
    }
}
