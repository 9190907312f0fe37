internal import Blobs
internal import CZlib

/// Whether compressing is worth its time: numbers that were learned hardly shrink, and a gigabyte of them takes half a
/// minute. Decided by the bytes, so that the same files are always compressed alike.
enum Compressibility {
    /// Of the rule; counts up with every change of it.
    static let revision = 1
    private static let samples: Int64 = 16
    private static let sampleBytes: Int64 = 32 << 10
    /// What must be saved of the samples, in parts of a hundred.
    private static let worthwhile = 12

    /// The level for a layer of these blobs: 0 stores.
    static func level(of blobs: [(digest: BlobDigest, size: Int64)], in store: any BlobStore) async throws -> Int32 {
        let total = blobs.reduce(0) { $0 + $1.size }
        let stride = max(1, total / samples)
        var (read, packed) = (0, 0)
        var (begin, next): (Int64, Int64) = (0, 0)
        for blob in blobs where blob.size > 0 {
            defer { begin += blob.size }
            guard next < begin + blob.size else { continue }
            try await store.withBlob(blob.digest) { reader in
                while next < begin + blob.size {
                    let start = max(0, next - begin)
                    let bytes = try await reader.read(start..<min(blob.size, start + sampleBytes))
                    read += bytes.count
                    packed += packedSize(bytes)
                    next += max(stride, Int64(bytes.count))
                }
            }
        }
        return packed * 100 <= read * (100 - worthwhile) ? 1 : 0
    }

    private static func packedSize(_ bytes: [UInt8]) -> Int {
        var size = compressBound(UInt(bytes.count))
        var packed = [UInt8](repeating: 0, count: Int(size))
        guard compress2(&packed, &size, bytes, UInt(bytes.count), 1) == Z_OK else { return bytes.count }
        return Int(size)
    }
}
