import Protobuf

/// Sends a call's requests, in order. One task writes. It is of no use after its call's scope.
public struct RequestWriter<Element: Message>: Sendable {
    let call: ClientCall

    /// Sends a message, and suspends while the server reads too slowly or no connection stands yet.
    /// - Parameter compressed: overrules the call's compression for this message.
    /// - Throws: `RPCError`: the call's own once it failed, `cancelled` once the server answered without reading on.
    public func write(_ message: Element, compressed: Bool? = nil) async throws {
        try await call.write(try call.encode(message), compressed: compressed)
    }

    /// Says that no more requests come. The second time does nothing.
    public func finish() async throws { try await call.finish() }
}

/// A call's responses, in order. One task reads it. Reading opens the server's window again: who reads slowly slows the
/// server down.
public struct ResponseStream<Element: Message>: AsyncSequence, Sendable {
    let call: ClientCall

    public struct AsyncIterator: AsyncIteratorProtocol {
        let call: ClientCall

        /// The next message; nil after the last of a call that succeeded.
        /// - Throws: `RPCError` with the call's status.
        public mutating func next() async throws -> Element? {
            guard let bytes = try await call.nextMessage() else { return nil }
            return try call.decode(Element.self, bytes)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: call) }

    /// Whether the message that was read last came compressed.
    public var isLatestCompressed: Bool { get async { await call.wasCompressed() } }

    /// The metadata in front of the first message; waits until the server sent it.
    /// - Throws: `RPCError` where the call failed before.
    public var metadata: Metadata { get async throws { try await call.responseMetadata() } }

    /// The metadata behind the last message; empty before the end.
    public var trailingMetadata: Metadata { get async { await call.trailingMetadata() } }
}
