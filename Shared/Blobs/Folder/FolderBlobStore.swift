import Glibc
public import Loop

/// Blobs as files of one folder, which any number of processes of one machine may share.
///
///     format                      what the folder is
///     blobs/ab/ab12…              a blob, by the digits of its digest, in one of 256 shards
///     uploads/<id>/data           an upload's bytes
///     uploads/<id>/lock           held by whoever writes the upload
///     uploads/<id>/durable        how far the bytes surely are on the disk
///     uploads/<id>/<number>       bytes of a batch, until all of them are on the disk
///     damaged/                    what a scrub took out
///
/// How nothing that is used gets lost. Locks are `flock`s: the kernel drops them with the process that held them, so that
/// `kill -9` leaves none behind, and they belong to an open file, so that two tasks of one process exclude each other too.
///
/// - Whoever reads, pins or has just put a blob holds a shared lock on the blob's own file. An upload takes it on its data
///   before the first byte, and a rename keeps it: between "written" and "pinned" there is no gap.
/// - A collector removes a blob only with the exclusive lock on that file, so never one that is held.
/// - That alone would not do: "is it referenced? no", then somebody pins it, records a reference and lets go, then the
///   collector removes it. So each pin and each put of a blob that is there already moves the file's time forward, always
///   to another value, and the end of a pin does it once more. The collector notes the time before it asks, and leaves the
///   blob where the time is another one. A process that was killed between its record and the end of its pin has only the
///   collector's age to protect it, which must be longer than a pin is held.
/// - Time check and removal exclude pin and rename by a lock on the shard's folder, held only for some system calls.
///
/// Work on files runs on the pool, never on the caller's loop.
public final class FolderBlobStore: BlobStore {
    public let path: String
    let pool: ComputePool

    static let format = "slipway-blobs 1\n"

    /// Opens the store in a folder, and makes it where the folder is empty or absent.
    /// - Parameter pool: where files are worked on; it must be started and outlive the store.
    /// - Throws: `BlobError` `.badStore` where the folder holds something else.
    public static func open(_ path: String, pool: ComputePool) async throws -> FolderBlobStore {
        try await pool.run { try prepare(path) }
        return FolderBlobStore(path: path, pool: pool)
    }

    private init(path: String, pool: ComputePool) {
        self.path = path
        self.pool = pool
    }

    private static func prepare(_ path: String) throws {
        try Files.makeFolder(path)
        // Of two that start on a new folder in the same moment one makes the store, and the other finds it made.
        let top = try OpenFile(path, O_RDONLY | O_DIRECTORY)
        try top.lock(.exclusive)
        defer { withExtendedLifetime(top) {} }
        let format = "\(path)/format"
        if try Files.status(format) != nil {
            let found = try Files.text(format)
            guard found == FolderBlobStore.format else {
                throw BlobError(.badStore, "\(path) is not a blob store of this version: its format is \(found)")
            }
        } else {
            let known: Set<String> = ["blobs", "uploads", "damaged", "format.new", "lost+found"]
            let strange = try Files.names(in: path).filter { !known.contains($0) }
            guard strange.isEmpty else {
                throw BlobError(.badStore, "\(path) holds \(strange[0]) and is no blob store; give an empty folder")
            }
        }
        // A start that was killed here is finished by the next one: the format is written last.
        for folder in ["blobs", "uploads", "damaged"] { try Files.makeFolder("\(path)/\(folder)") }
        for shard in shards { try Files.makeFolder("\(path)/blobs/\(shard)") }
        try Files.synchroniseFolder("\(path)/blobs")
        if try Files.status(format) == nil { try Files.replace(format, with: FolderBlobStore.format) }
        try Files.synchroniseFolder(path)
    }

    static let shards: [String] = (0..<256).map { number in
        let text = String(number, radix: 16)
        return text.count == 1 ? "0" + text : text
    }

    func shard(of digest: BlobDigest) -> String { "\(path)/blobs/\(digest.hexadecimal.prefix(2))" }
    func file(of digest: BlobDigest) -> String { "\(shard(of: digest))/\(digest.hexadecimal)" }

    /// Runs work on files, with the pool's refusal as an error of ours.
    func onPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do { return try await pool.run(body) } catch let error as ComputePoolError {
            throw BlobError(.resources, error.description)
        }
    }

    // MARK: looking

    public func stat(_ digest: BlobDigest) async throws -> BlobInfo? {
        let file = file(of: digest)
        return try await onPool {
            try Files.status(file).map { BlobInfo(digest: digest, size: Int64($0.st_size)) }
        }
    }

    /// Blobs that are looked at in one go: what else the pool has to do comes in between.
    private static let statBatch = 1000

    public func stat(_ digests: [BlobDigest]) async throws -> [BlobInfo] {
        var found: [BlobInfo] = []
        for start in stride(from: 0, to: digests.count, by: FolderBlobStore.statBatch) {
            let batch = digests[start..<min(start + FolderBlobStore.statBatch, digests.count)]
            found += try await onPool { [self] in
                try batch.compactMap { digest in
                    try Files.status(file(of: digest)).map { BlobInfo(digest: digest, size: Int64($0.st_size)) }
                }
            }
        }
        return found
    }

    public func list(after: BlobDigest?, limit: Int) async throws -> [BlobInfo] {
        try await onPool { [self] in try entries(after: after, limit: limit).map(\.info) }
    }

    struct Entry {
        let info: BlobInfo
        let time: FileTime
    }

    /// On the pool.
    func entries(after: BlobDigest?, limit: Int) throws -> [Entry] {
        let start = after?.hexadecimal ?? ""
        var found: [Entry] = []
        for shard in FolderBlobStore.shards where shard >= start.prefix(2) {
            let folder = "\(path)/blobs/\(shard)"
            for name in try Files.names(in: folder) where name > start {
                guard found.count < limit else { return found }
                // Removed between the two calls, or no blob at all.
                guard let digest = BlobDigest(hexadecimal: name), name.hasPrefix(shard),
                    let status = try Files.status("\(folder)/\(name)")
                else { continue }
                found.append(
                    Entry(
                        info: BlobInfo(digest: digest, size: Int64(status.st_size)), time: FileTime(status.st_mtim)))
            }
        }
        return found
    }
}
