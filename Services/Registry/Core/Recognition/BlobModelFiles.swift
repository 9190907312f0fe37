import Blobs
import Contracts
import Loop
import ModelFormats

/// The files of a model in a store of blobs, for whoever reads them in small steps and waits for each. Used by one thread
/// at a time, which must be none that the store works on.
final class BlobModelFiles: ModelFiles {
    /// Read at once, because formats are walked a few bytes at a time.
    private static let chunkBytes: Int64 = 256 * 1024

    let paths: [String]
    private let store: any BlobStore
    /// By path; a model may have a hundred thousand.
    private let files: [Slipway.Models.V1.ModelFile]
    /// The file read last, and the piece of it that is here.
    private var open: (path: String, reader: any BlobReader)?
    private var chunkStart: Int64 = 0
    private var chunk: [UInt8] = []

    init(_ files: [Slipway.Models.V1.ModelFile], in store: any BlobStore) {
        self.store = store
        self.files = files.sorted { $0.path < $1.path }
        paths = self.files.map(\.path)
    }

    private func find(_ path: String) -> BlobInfo? {
        var (low, high) = (0, files.count)
        while low < high {
            let middle = (low + high) / 2
            if files[middle].path < path { low = middle + 1 } else { high = middle }
        }
        guard low < files.count, files[low].path == path, let digest = BlobDigest(files[low].digest) else { return nil }
        return BlobInfo(digest: digest, size: files[low].sizeBytes)
    }

    deinit { open?.reader.release() }

    func size(of path: String) throws -> Int { Int(find(path)?.size ?? 0) }

    func read(_ path: String, at offset: Int, count: Int) throws -> [UInt8] {
        guard let file = find(path), offset >= 0, count > 0, Int64(offset) < file.size else { return [] }
        let start = Int64(offset)
        let end = min(file.size, start + Int64(count))
        if open?.path != path || start < chunkStart || end > chunkStart + Int64(chunk.count) {
            try load(path, file, start..<max(end, min(file.size, start + BlobModelFiles.chunkBytes)))
        }
        return Array(chunk[Int(start - chunkStart)..<Int(end - chunkStart)])
    }

    private func load(_ path: String, _ file: BlobInfo, _ range: Range<Int64>) throws {
        let reader: any BlobReader
        if let open, open.path == path {
            reader = open.reader
        } else {
            open?.reader.release()
            open = nil
            let store = store
            reader = try waitFor { try await store.open(file.digest) }
            open = (path, reader)
        }
        chunk = try waitFor { try await reader.read(range) }
        chunkStart = range.lowerBound
    }
}

/// Blocks this thread until `body` is through on others.
private func waitFor<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Condition<Result<Value, any Error>?>(nil)
    Task.detached {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        outcome.change { $0 = result }
    }
    return try outcome.wait { $0 }.get()
}
