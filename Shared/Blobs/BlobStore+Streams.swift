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

    /// One after the other, for stores to which a flush costs nothing.
    public func putAll(_ batch: [BlobContent]) async throws -> [BlobPin] {
        for content in batch { try content.check() }
        var pins: [BlobPin] = []
        for content in batch { pins.append(try await put(Array(content.bytes), expecting: content.digest)) }
        return pins
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

/// A range of a blob in chunks. While one is used the next is read, and hashed where the blob is verified.
public struct BlobChunks: AsyncSequence, Sendable {
    public typealias Element = ArraySlice<UInt8>

    let reader: any BlobReader
    let range: Range<Int64>
    let chunkBytes: Int
    let isVerified: Bool

    public struct AsyncIterator: AsyncIteratorProtocol {
        let chunks: BlobChunks
        var position: Int64
        var hasher: BlobHasher?
        var ahead: Task<[UInt8], any Error>?

        init(_ chunks: BlobChunks) {
            self.chunks = chunks
            position = chunks.range.lowerBound
        }

        public mutating func next() async throws -> ArraySlice<UInt8>? {
            if chunks.isVerified, hasher == nil { hasher = try BlobHasher() }
            guard let reading = ahead ?? readNext() else { return nil }
            ahead = nil
            let bytes = try await withTaskCancellationHandler {
                try await reading.value
            } onCancel: {
                reading.cancel()
            }
            // Only now, so that one at a time feeds the hasher, and in order.
            ahead = readNext()
            return bytes[...]
        }

        /// Nil at the end.
        private mutating func readNext() -> Task<[UInt8], any Error>? {
            guard position < chunks.range.upperBound else { return nil }
            let start = position
            let end = Swift.min(start + Int64(chunks.chunkBytes), chunks.range.upperBound)
            position = end
            let (reader, hasher, isLast) = (chunks.reader, hasher, end == chunks.range.upperBound)
            return Task {
                try Task.checkCancellation()
                let bytes = try await reader.read(start..<end)
                guard let hasher else { return bytes }
                bytes.withUnsafeBytes { hasher.update($0) }
                guard try !isLast || hasher.finish() == reader.info.digest else {
                    throw BlobError(.corrupt, "the bytes of \(reader.info.digest) are not those that its name says")
                }
                return bytes
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}

extension BlobReader {
    /// The range, or the whole blob, in chunks; the reader must not be released before the last.
    public func chunks(_ range: Range<Int64>? = nil, of chunkBytes: Int = 1 << 20) -> BlobChunks {
        BlobChunks(
            reader: self, range: range ?? 0..<info.size, chunkBytes: Swift.max(1, chunkBytes), isVerified: false)
    }

    /// The whole blob in chunks, hashed on the way. Where the bytes are not those of its name, the last chunk is not given
    /// but `BlobError` `.corrupt` thrown.
    public func verifiedChunks(of chunkBytes: Int = 1 << 20) -> BlobChunks {
        BlobChunks(reader: self, range: 0..<info.size, chunkBytes: Swift.max(1, chunkBytes), isVerified: true)
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
