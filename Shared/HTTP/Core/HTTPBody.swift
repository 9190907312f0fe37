/// A body as it comes in: pieces of bytes, each taken from the peer's window only when it is asked for, so that a body of
/// any size needs little memory. It can be read once, by one task at a time, on any executor.
public struct HTTPBody: AsyncSequence, Sendable {
    public typealias Element = ArraySlice<UInt8>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let bridge: StreamBridge

        /// - Throws: `HTTPExchangeError` where the exchange broke, `CancellationError` where the task was cancelled.
        public mutating func next() async throws -> ArraySlice<UInt8>? { try await bridge.receiveChunk() }
    }

    let bridge: StreamBridge

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(bridge: bridge) }

    /// The whole body.
    /// - Throws: `HTTPExchangeError.bodyTooLarge` as soon as there are more than `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard chunk.count <= limit - bytes.count else { throw HTTPExchangeError.bodyTooLarge(limit: limit) }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }

    /// What came after the body; nil before its end.
    public var trailers: HeaderFields? {
        get async throws { try await bridge.loop.submit { bridge.trailers } }
    }
}
