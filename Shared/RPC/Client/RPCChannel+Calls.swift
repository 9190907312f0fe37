import Protobuf

extension RPCChannel {
    /// Sends one message and returns the one that answers it.
    /// - Throws: `RPCError`.
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor<Request, Response>, _ request: Request, metadata: Metadata = [:],
        options: CallOptions = CallOptions()
    ) async throws -> Response {
        try await withCall(ClientRequest(method: method.method, metadata: metadata, options: options)) { call in
            try await call.sendOnly(request)
            return try await call.onlyMessage()
        }
    }

    /// Sends one message and returns the one that answers it, with the metadata around it.
    /// - Throws: `RPCError`, whose metadata is the one that came with the status.
    public func unaryResponse<Request: Message, Response: Message>(
        _ method: MethodDescriptor<Request, Response>, _ request: Request, metadata: Metadata = [:],
        options: CallOptions = CallOptions()
    ) async throws -> ClientResponse<Response> {
        try await withCall(ClientRequest(method: method.method, metadata: metadata, options: options)) { call in
            try await call.sendOnly(request)
            let message: Response = try await call.onlyMessage()
            return ClientResponse(
                message, metadata: try await call.responseMetadata(),
                trailingMetadata: await call.trailingMetadata(), isCompressed: await call.wasCompressed())
        }
    }

    /// Sends one message; `body` reads the responses.
    /// - Throws: what `body` throws.
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor<Request, Response>, _ request: Request, metadata: Metadata = [:],
        options: CallOptions = CallOptions(), _ body: (ResponseStream<Response>) async throws -> Result
    ) async throws -> Result {
        try await withCall(ClientRequest(method: method.method, metadata: metadata, options: options)) { call in
            try await call.sendOnly(request)
            return try await body(ResponseStream(call: call))
        }
    }

    /// `send` writes the requests; the response is returned once the requests are ended, which happens by itself when
    /// `send` returns.
    /// - Throws: `RPCError`, and what `send` throws.
    public func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor<Request, Response>, metadata: Metadata = [:], options: CallOptions = CallOptions(),
        _ send: (RequestWriter<Request>) async throws -> Void
    ) async throws -> Response {
        try await clientStreamingResponse(method, metadata: metadata, options: options, send).message
    }

    /// As `clientStreaming`, with the metadata around the response.
    public func clientStreamingResponse<Request: Message, Response: Message>(
        _ method: MethodDescriptor<Request, Response>, metadata: Metadata = [:], options: CallOptions = CallOptions(),
        _ send: (RequestWriter<Request>) async throws -> Void
    ) async throws -> ClientResponse<Response> {
        try await withCall(ClientRequest(method: method.method, metadata: metadata, options: options)) { call in
            do {
                try await send(RequestWriter(call: call))
                try await call.finish()
            } catch {
                // A server may answer without waiting for the rest, and then its answer counts.
                guard await call.succeeded() else { throw error }
            }
            let message: Response = try await call.onlyMessage()
            return ClientResponse(
                message, metadata: try await call.responseMetadata(),
                trailingMetadata: await call.trailingMetadata(), isCompressed: await call.wasCompressed())
        }
    }

    /// `body` writes requests and reads responses, in any order and from two tasks where it likes.
    /// - Throws: what `body` throws.
    public func bidirectional<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor<Request, Response>, metadata: Metadata = [:], options: CallOptions = CallOptions(),
        _ body: (RequestWriter<Request>, ResponseStream<Response>) async throws -> Result
    ) async throws -> Result {
        try await withCall(ClientRequest(method: method.method, metadata: metadata, options: options)) { call in
            try await body(RequestWriter(call: call), ResponseStream(call: call))
        }
    }
}
