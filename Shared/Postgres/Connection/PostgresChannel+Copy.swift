import CPostgreSQL

/// What a COPY still has to get.
struct CopyFeed {
    let operation: Operation
    var offset = 0
}

extension PostgresChannel {
    /// libpq keeps a copy of what the socket does not take: no more than this.
    private static let copyPiece = 256 << 10

    /// Hands over the next piece, or the end. False where no COPY wants any.
    func feedCopy() -> Bool {
        guard var feed = copying, let bytes = feed.operation.copyBytes else { return false }
        if feed.operation.isCancelled || feed.operation.isExpired { return endCopy("cancelled") }
        let count = min(PostgresChannel.copyPiece, bytes.count - feed.offset)
        guard count > 0 else { return endCopy(nil) }
        let taken = bytes.withUnsafeBytes { buffer in
            UnsafeRawBufferPointer(rebasing: buffer[feed.offset..<feed.offset + count]).withMemoryRebound(
                to: CChar.self
            ) { PQputCopyData(pointer, $0.baseAddress, Int32(truncatingIfNeeded: count)) }
        }
        guard taken == 1 else {
            lost()
            return false
        }
        feed.offset += count
        copying = feed
        return true
    }

    /// - Parameter reason: what the server is to fail the COPY with.
    private func endCopy(_ reason: String?) -> Bool {
        copying = nil
        guard PQputCopyEnd(pointer, reason) == 1 else {
            lost()
            return false
        }
        // The answer may have come already: an error is sent before the data's end.
        loop.readAgain(self)
        return true
    }
}
