/// What came back: the head at once, the body as it is asked for.
public struct OutboundResponse: Sendable {
    public let status: Int
    /// As they came; names in lower case.
    public let headers: [(name: String, value: String)]
    /// Pieces as they come; the peer is held up while nobody takes them. It can be read once. Letting go of it ends the
    /// transfer.
    public let body: OutboundResponseBody

    /// The first header of a name, which is given in lower case.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

public struct OutboundResponseBody: AsyncSequence, Sendable {
    public typealias Element = ArraySlice<UInt8>

    let lease: TransferLease

    public struct AsyncIterator: AsyncIteratorProtocol {
        let lease: TransferLease

        /// - Throws: `OutboundError` where the transfer broke.
        public mutating func next() async throws -> ArraySlice<UInt8>? { try await lease.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

    /// - Throws: `OutboundError` `.tooLarge` as soon as there are more than `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in self {
            guard piece.count <= limit - bytes.count else {
                throw OutboundError(.tooLarge, "the answer has more than \(limit) bytes")
            }
            bytes += piece
        }
        return bytes
    }
}

/// Holds a transfer for whoever reads it, and ends it when nobody does any more.
final class TransferLease: Sendable {
    private let client: OutboundClient
    private let transfer: Transfer

    init(client: OutboundClient, transfer: Transfer) {
        self.client = client
        self.transfer = transfer
    }

    deinit {
        let (client, transfer) = (client, transfer)
        client.loop.execute { client.end(transfer, .failure(OutboundError(.cancelled, "nobody waits for it"))) }
    }

    func next() async throws -> ArraySlice<UInt8>? { try await client.nextPiece(of: transfer) }
}
