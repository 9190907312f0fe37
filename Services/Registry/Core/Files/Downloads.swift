import ResourceKit
import Access
import Blobs
import Postgres
import RPC

/// A file of a version that is open: its bytes stay until it is closed, whatever becomes of the version.
struct OpenFile: Sendable {
    let entry: FileEntry
    let reader: any BlobReader

    func close() { reader.release() }
}

/// Gives out files' bytes.
final class Downloads: Sendable {
    /// What is read and sent at a time.
    static let chunkBytes = 512 << 10

    let store: any BlobStore
    let catalogue: FileCatalogue
    let metrics: FileMetrics
    /// Asked what there is instead of what there is not.
    private let registry: RegistryStore

    init(_ pool: PostgresPool, store: any BlobStore, metrics: FileMetrics) {
        self.store = store
        self.metrics = metrics
        catalogue = FileCatalogue(pool: pool)
        registry = RegistryStore(pool, blobs: store)
    }

    /// - Throws: `RPCError` `notFound`, which says whether the model or the version is lacking.
    func find(_ name: VersionReference, by caller: Caller) async throws -> FileVersion {
        let workspace = try caller.workspaceOfCall()
        guard let version = try await catalogue.version(name, in: workspace) else {
            throw try await registry.missing(name, in: workspace)
        }
        return version
    }

    /// - Throws: `RPCError`: `notFound`; `dataLoss` where the version is there and the bytes are not.
    func open(_ path: String, of name: VersionReference, by caller: Caller) async throws -> OpenFile {
        let version = try await find(name, by: caller)
        let entry = try await catalogue.file(path, of: version)
        return try await open(entry) {
            // Purged in between and collected? Then there is no such version, and nothing was lost.
            _ = try await find(name, by: caller)
        }
    }

    /// - Parameter check: asked where the bytes are not there; what it throws is why.
    func open(_ entry: FileEntry, orElse check: () async throws -> Void = {}) async throws -> OpenFile {
        do { return OpenFile(entry: entry, reader: try await store.open(entry.digest)) } catch let error as BlobError
            where error.code == .notFound
        {
            try await check()
            metrics.damagedFiles.add()
            throw FileError.lost(entry)
        }
    }

    /// Hands the bytes of a range to `send`, which waits while whoever gets them is slow. A whole file is compared with its
    /// digest on the way; where it is another, the last chunk is held back.
    /// - Throws: `RPCError` `dataLoss` where the file is damaged; what `send` throws.
    func send(
        _ file: OpenFile, _ range: Range<Int64>, to send: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        guard file.reader.info.size == file.entry.size else { throw damaged(file) }
        let isWhole = range.lowerBound == 0 && range.upperBound == file.entry.size
        let chunks =
            isWhole
            ? file.reader.verifiedChunks(of: Downloads.chunkBytes) : file.reader.chunks(range, of: Downloads.chunkBytes)
        do {
            for try await chunk in chunks {
                try await send(chunk)
                metrics.downloadedBytes.add(chunk.count)
            }
        } catch let error as BlobError where error.code == .corrupt {
            throw damaged(file)
        }
    }

    private func damaged(_ file: OpenFile) -> RPCError {
        metrics.damagedFiles.add()
        return FileError.damaged(file.entry)
    }
}
