extension BlobStore {
    /// Small pieces are gathered to parts of this size, because each part costs a hop to a thread that may block.
    static var partBytes: Int { 1 << 20 }

    /// Stores a stream. Cancelled or failed, it leaves nothing behind.
    /// - Throws: what `bytes` throws, and `BlobError` `.digestMismatch` where it is not what was expected.
    public func put<Source: AsyncSequence>(
        _ bytes: Source, expecting digest: BlobDigest? = nil
    ) async throws -> BlobPin where Source.Element == ArraySlice<UInt8> {
        let upload = try await beginUpload()
        do {
            var part: ArraySlice<UInt8> = []
            for try await piece in bytes {
                try Task.checkCancellation()
                if part.isEmpty { part = piece } else { part.append(contentsOf: piece) }
                guard part.count >= Self.partBytes else { continue }
                try await upload.append(part, at: upload.offset)
                part = []
            }
            if !part.isEmpty { try await upload.append(part, at: upload.offset) }
            return try await upload.finish(expecting: digest)
        } catch {
            try? await upload.cancel()
            throw error
        }
    }

    /// Stores bytes at hand.
    public func put(_ bytes: [UInt8], expecting digest: BlobDigest? = nil) async throws -> BlobPin {
        let upload = try await beginUpload()
        do {
            try await upload.append(bytes[...], at: 0)
            return try await upload.finish(expecting: digest)
        } catch {
            try? await upload.cancel()
            throw error
        }
    }

    /// Opens a blob for the time of `body`.
    public func withBlob<Result>(
        _ digest: BlobDigest, _ body: (any BlobReader) async throws -> Result
    ) async throws -> Result {
        let reader = try await open(digest)
        defer { reader.release() }
        return try await body(reader)
    }
}

/// A range of a blob in chunks. One read is in flight at a time.
public struct BlobChunks: AsyncSequence, Sendable {
    public typealias Element = ArraySlice<UInt8>

    let reader: any BlobReader
    let range: Range<Int64>
    let chunkBytes: Int

    public struct AsyncIterator: AsyncIteratorProtocol {
        let chunks: BlobChunks
        var position: Int64

        public mutating func next() async throws -> ArraySlice<UInt8>? {
            guard position < chunks.range.upperBound else { return nil }
            try Task.checkCancellation()
            let end = Swift.min(position + Int64(chunks.chunkBytes), chunks.range.upperBound)
            let bytes = try await chunks.reader.read(position..<end)
            position = end
            return bytes[...]
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: self, position: range.lowerBound) }
}

extension BlobReader {
    /// The range, or the whole blob, in chunks; the reader must not be released before the last.
    public func chunks(_ range: Range<Int64>? = nil, of chunkBytes: Int = 1 << 20) -> BlobChunks {
        BlobChunks(reader: self, range: range ?? 0..<info.size, chunkBytes: Swift.max(1, chunkBytes))
    }

    /// The whole blob, compared with its name.
    /// - Throws: `BlobError` `.outOfRange` where it has more than `limit` bytes, `.corrupt` where it is damaged.
    public func verifiedBytes(upTo limit: Int) async throws -> [UInt8] {
        guard info.size <= Int64(limit) else {
            throw BlobError(.outOfRange, "\(info.digest) has \(info.size) bytes, more than \(limit)")
        }
        let bytes = try await read(0..<info.size)
        guard try BlobHasher.digest(bytes) == info.digest else {
            throw BlobError(.corrupt, "the bytes of \(info.digest) are not those that its name says")
        }
        return bytes
    }
}
