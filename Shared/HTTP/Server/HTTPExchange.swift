import Loop

/// A request as an async handler sees it.
public struct HTTPRequest: Sendable {
    public let head: RequestHead
    /// What the path gave to the pattern's names.
    public let parameters: RouteParameters
    public let peer: PeerIdentity
    public let body: HTTPBody
}

/// Where an async handler puts its answer. Usable from any executor: on the stream's loop nothing hops. Its calls belong
/// to one task at a time.
public struct HTTPResponder: Sendable {
    let bridge: StreamBridge

    /// Sends the head. At most once.
    /// - Throws: `HTTPExchangeError.closed` where the stream is gone; so do the others.
    public func send(_ head: ResponseHead) async throws { try await bridge.perform { $0.send(head) } }

    /// Queues body bytes, and waits before that while enough is queued.
    public func write(_ bytes: ArraySlice<UInt8>) async throws { try await bridge.send(bytes) }

    public func write(_ bytes: [UInt8]) async throws { try await bridge.send(ArraySlice(bytes)) }

    /// Ends the body. What the handler leaves open ends when it returns.
    public func finish(trailers: HeaderFields? = nil) async throws {
        try await bridge.perform { $0.finish(trailers: trailers) }
    }

    /// A whole answer at once.
    public func respond(_ status: Int, _ fields: HeaderFields = [:], _ body: [UInt8] = []) async throws {
        try await bridge.perform { stream in
            stream.send(ResponseHead(status: status, fields: fields))
            stream.send(ArraySlice(body))
            stream.finish()
        }
    }
}

/// Runs an async closure for each request, as a task that stays on the stream's loop. The task is cancelled when the
/// stream is gone before the answer was complete. An error that is an `HTTPFailure` is the answer; a body over its limit
/// is a 413; any other is a 500 that tells nothing, and where the head was sent already the stream is reset.
public final class AsyncHandler: HTTPServerHandler, RouteHandler {
    public typealias Handle = @Sendable (HTTPRequest, HTTPResponder) async throws -> Void

    private let handle: Handle
    private let onError: @Sendable (any Error) -> Void

    /// - Parameter onError: hears every error that the closure throws, for a log. Called on the stream's loop.
    public init(onError: @escaping @Sendable (any Error) -> Void = { _ in }, _ handle: @escaping Handle) {
        self.onError = onError
        self.handle = handle
    }

    public func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        receiver(for: stream, parameters: RouteParameters())
    }

    public func receiver(for stream: HTTPStream, parameters: RouteParameters) -> any HTTPStreamReceiver {
        let bridge = StreamBridge(loop: stream.loop)
        bridge.attach(stream)
        stream.expectsSteadyBody = true
        let request = HTTPRequest(
            head: stream.request, parameters: parameters, peer: stream.peer, body: HTTPBody(bridge: bridge))
        let task = Task(executorPreference: stream.loop) { [handle, onError] in
            do {
                try await handle(request, HTTPResponder(bridge: bridge))
                await AsyncHandler.complete(bridge)
            } catch {
                bridge.loop.run { onError(error) }
                await AsyncHandler.fail(bridge, error)
            }
        }
        bridge.onClosed = { isOutputComplete in if !isOutputComplete { task.cancel() } }
        return bridge
    }

    private static func complete(_ bridge: StreamBridge) async {
        try? await bridge.perform { stream in
            guard stream.isHeadSent else {
                _ = HTTPFailure(status: 500, code: "internal", message: "the handler gave no answer").answer(stream)
                return
            }
            stream.finish()
        }
    }

    private static func fail(_ bridge: StreamBridge, _ error: any Error) async {
        try? await bridge.perform { stream in
            guard !stream.isHeadSent else { return stream.isOutputEnded ? () : stream.reset(.internalError) }
            _ = AsyncHandler.failure(for: error).answer(stream)
        }
    }

    private static func failure(for error: any Error) -> HTTPFailure {
        switch error {
        case let failure as HTTPFailure: failure
        case HTTPExchangeError.bodyTooLarge(let limit):
            HTTPFailure(
                status: 413, code: "resource_exhausted", message: "the body has more than \(limit) bytes")
        default: HTTPFailure(status: 500, code: "internal", message: "the request failed inside the server")
        }
    }
}

extension RouteTable where Target == any RouteHandler {
    /// Adds an async closure.
    public mutating func add(
        _ method: HTTPMethod, _ pattern: String, _ handle: @escaping AsyncHandler.Handle
    ) throws(RouteError) {
        try add(method, pattern, AsyncHandler(handle))
    }
}
