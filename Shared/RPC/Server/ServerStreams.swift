import Protobuf

/// A call's requests, in order. One task reads it. Reading opens the caller's window again: a handler that reads slowly
/// slows its caller down.
public struct RequestStream<Element: Message>: AsyncSequence, Sendable {
    let call: ServerCall

    public struct AsyncIterator: AsyncIteratorProtocol {
        let call: ServerCall

        /// The next message; nil after the last.
        /// - Throws: `RPCError`: the caller gave up, or what came is no message of this type.
        public mutating func next() async throws -> Element? {
            guard let bytes = try await call.nextMessage() else { return nil }
            return try call.decode(Element.self, bytes)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: call) }

    /// The one message of a call that has just one.
    public func only() async throws -> Element { try call.decode(Element.self, try await call.onlyMessage()) }
}

/// Sends a call's responses, in order.
public struct ResponseWriter<Element: Message>: Sendable {
    let call: ServerCall

    /// Sends a message, and suspends while the caller reads too slowly.
    /// - Parameter compressed: overrules `ServerContext.compressesResponses` for this message.
    /// - Throws: `RPCError` with `cancelled` once the call is over.
    public func write(_ message: Element, compressed: Bool? = nil) async throws {
        try await call.write(try call.encode(message), compressed: compressed)
    }

    /// Sends the head with its metadata now rather than with the first message.
    public func sendHead() async throws { try await call.sendHead() }
}

/// A call's requests as bytes.
public struct RawRequestStream: AsyncSequence, Sendable {
    let call: ServerCall

    public struct AsyncIterator: AsyncIteratorProtocol {
        let call: ServerCall
        public mutating func next() async throws -> Bytes? { try await call.nextMessage() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: call) }
}

/// Sends a call's responses as bytes.
public struct RawResponseWriter: Sendable {
    let call: ServerCall

    public func write(_ message: Bytes, compressed: Bool? = nil) async throws {
        try await call.write([0, 0, 0, 0, 0] + message, compressed: compressed)
    }
}
