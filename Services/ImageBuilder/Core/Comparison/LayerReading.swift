internal import Blobs
internal import Loop
internal import OCI

/// Reads layers on threads that may compute for long.
struct LayerReading: Sendable {
    /// What a layer may unfold to before it counts as one that does harm.
    private static let unfoldedBytesMax: Int64 = 64 << 30
    private static let chunkBytes = 512 << 10

    let store: any BlobStore
    let pool: ComputePool

    /// Nil where the layer is compressed in a way that is not understood.
    /// - Throws: `OCIError`, `TarError`, `BlobError`; `CancellationError`.
    func read(
        _ layer: Descriptor, entriesMax: Int, isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> (files: LayerListing, isTruncated: Bool)? {
        let unfolding: Unfolding
        if layer.mediaType.hasSuffix("gzip") {
            unfolding = Unfolding(
                LayerListingReader(entriesMax: entriesMax, isWanted: isWanted),
                try GzipReader(limit: Self.unfoldedBytesMax))
        } else if layer.mediaType.hasSuffix("tar") {
            unfolding = Unfolding(LayerListingReader(entriesMax: entriesMax, isWanted: isWanted), nil)
        } else {
            return nil
        }
        try await store.withBlob(layer.digest) { reader in
            for try await chunk in reader.chunks(of: Self.chunkBytes) {
                try Task.checkCancellation()
                try await pool.run { try unfolding.read(chunk) }
            }
        }
        return try unfolding.finish()
    }
}

/// A layer while it is read. Its calls come one after the other, each on another thread perhaps.
private final class Unfolding: @unchecked Sendable {
    private var files: LayerListingReader
    private let gzip: GzipReader?

    init(_ files: LayerListingReader, _ gzip: GzipReader?) {
        self.files = files
        self.gzip = gzip
    }

    func read(_ bytes: ArraySlice<UInt8>) throws {
        guard let gzip else { return try files.read(bytes) }
        try gzip.read(bytes) { try files.read($0) }
    }

    func finish() throws -> (LayerListing, Bool) {
        try files.finish()
        return (files.layer, files.isTruncated)
    }
}
