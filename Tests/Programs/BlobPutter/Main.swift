import Blobs
import Glibc
import Loop

/// Puts one blob into a folder's store and says after each step how far it is, so that a test can end it anywhere:
///
///     blob-putter STORE SEED SIZE PART [UPLOAD]
///     blob-putter STORE SEED SIZE batch COUNT     puts COUNT blobs of SIZE bytes, of the seeds from SEED on, as one batch
@main
struct BlobPutter {
    static func main() async {
        do { try await run(Array(CommandLine.arguments.dropFirst())) } catch {
            say("failed \(error)")
            exit(3)
        }
    }

    static func run(_ arguments: [String]) async throws {
        if arguments.count == 5, arguments[3] == "batch" { return try await putBatch(arguments) }
        guard arguments.count >= 4, let seed = UInt64(arguments[1]), let size = Int(arguments[2]),
            let part = Int(arguments[3])
        else { return say("failed: STORE SEED SIZE PART [UPLOAD]") }
        let pool = ComputePool(threads: 1)
        try pool.start()
        let store = try await FolderBlobStore.open(arguments[0], pool: pool)
        let upload: any BlobUpload
        if arguments.count > 4, let id = BlobUploadID(arguments[4]) {
            upload = try await store.resumeUpload(id)
        } else {
            upload = try await store.beginUpload()
        }
        say("id \(upload.id)")
        let content = content(seed: seed, size: size)
        var offset = Int(upload.offset)
        while offset < size {
            let end = min(size, offset + part)
            try await upload.append(content[offset..<end], at: Int64(offset))
            offset = end
            say("at \(offset)")
        }
        let pin = try await upload.finish(expecting: nil)
        say("done \(pin.info.digest)")
    }

    static func putBatch(_ arguments: [String]) async throws {
        guard let seed = UInt64(arguments[1]), let size = Int(arguments[2]), let count = UInt64(arguments[4]) else {
            return say("failed: STORE SEED SIZE batch COUNT")
        }
        let pool = ComputePool(threads: 1)
        try pool.start()
        let store = try await FolderBlobStore.open(arguments[0], pool: pool)
        let batch = try (seed..<seed + count).map { seed in
            let bytes = content(seed: seed, size: size)
            return BlobContent(digest: try BlobHasher.digest(bytes), bytes: bytes[...])
        }
        say("begins")
        let pins = try await store.putAll(batch)
        say("done \(pins.count)")
    }

    static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }

    /// Bytes that follow from a seed.
    static func content(seed: UInt64, size: Int) -> [UInt8] {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 8)
        while bytes.count < size {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            withUnsafeBytes(of: state) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(size))
    }
}
