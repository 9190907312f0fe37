internal import CLinux
import Glibc

/// An upload's files. Used by one pool thread at a time, which its `FolderUpload` sees to.
final class UploadFile: @unchecked Sendable {
    /// After so many bytes the durable offset moves on.
    private static let checkpointBytes: Int64 = 256 << 20
    /// The kernel is asked to begin writing after so many, so that the last fsync finds little left to do.
    private static let writebackBytes: Int64 = 8 << 20

    let folder: String
    let data: OpenFile
    private let lock: OpenFile
    /// Lags behind, and is used by another thread while the next part is written.
    let digest: UploadDigest
    private(set) var offset: Int64
    private var durableOffset: Int64
    private var writebackOffset: Int64
    private(set) var isOver = false

    /// Takes the lock of an upload.
    static func lock(_ folder: String, creating: Bool) throws(BlobError) -> OpenFile {
        let lock = try OpenFile("\(folder)/lock", creating ? O_RDWR | O_CREAT : O_RDWR)
        guard try lock.tryLock(.exclusive) else {
            throw BlobError(.busy, "somebody else writes the upload \(folder)")
        }
        return lock
    }

    /// Opens an upload's files, whose lock the caller has taken.
    static func open(_ folder: String, _ lock: OpenFile, creating: Bool) throws -> UploadFile {
        let data = try OpenFile("\(folder)/data", creating ? O_RDWR | O_CREAT : O_RDWR)
        try data.lock(.shared)
        return try UploadFile(folder, lock, data, isNew: creating)
    }

    private init(_ folder: String, _ lock: OpenFile, _ data: OpenFile, isNew: Bool) throws {
        self.folder = folder
        self.lock = lock
        self.data = data
        digest = try UploadDigest()
        (offset, durableOffset, writebackOffset) = (0, 0, 0)
        if isNew {
            try writeCheckpoint()
            try Files.synchroniseFolder(folder)
        } else {
            try takeUp()
        }
    }

    /// Finds out how much of the file can be trusted.
    private func takeUp() throws {
        let size = Int64(try data.status().st_size)
        let lines = try Files.text("\(folder)/durable").split(separator: "\n")
        let durable = min(size, lines.first.flatMap { Int64($0) } ?? 0)
        // What a killed process wrote is with the kernel, and whole. What the machine lost when it stopped is not: the
        // file may even have its length and zeros inside.
        let isSameBoot = lines.dropFirst().first.map(String.init) == UploadFile.boot
        offset = isSameBoot ? size : durable
        if offset < size { try data.truncate(to: offset) }
        durableOffset = min(durable, offset)
        writebackOffset = offset
    }

    /// Names this run of the kernel.
    private static let boot: String = {
        let text = try? Files.text("/proc/sys/kernel/random/boot_id")
        return text?.split(separator: "\n").first.map(String.init) ?? "unknown"
    }()

    func append(_ bytes: ArraySlice<UInt8>) throws {
        guard !isOver else { throw BlobError(.notFound, "the upload is over") }
        try bytes.withUnsafeBytes { buffer in
            do { try data.write(buffer, at: offset) } catch {
                // As if nothing had been written: the upload goes on from where it stood.
                try? data.truncate(to: offset)
                throw error
            }
        }
        offset += Int64(bytes.count)
        if offset - writebackOffset >= UploadFile.writebackBytes {
            _ = slipway_start_writeback(data.descriptor, writebackOffset, offset - writebackOffset)
            writebackOffset = offset
        }
        if offset - durableOffset >= UploadFile.checkpointBytes { try checkpoint() }
    }

    /// Makes everything so far durable, and notes it.
    func checkpoint() throws {
        try synchronise()
        durableOffset = offset
        try writeCheckpoint()
    }

    private func writeCheckpoint() throws {
        try Files.replace("\(folder)/durable", with: "\(durableOffset)\n\(UploadFile.boot)\n")
    }

    private func synchronise() throws {
        do { try data.synchronise() } catch {
            // After a failed fsync the kernel counts the lost pages as written, and the next fsync would succeed: what is
            // in the file can't be trusted any more.
            try? remove()
            throw error
        }
    }

    /// Lets another writer take the upload up.
    func letGo() {
        isOver = true
        data.unlock()
        lock.unlock()
    }

    /// Everything is on the disk; returns the digest.
    func seal() throws -> BlobDigest {
        guard !isOver else { throw BlobError(.notFound, "the upload is over") }
        try synchronise()
        return try digest.finish(data, offset)
    }

    /// Removes the upload with what is left of it.
    func remove() throws {
        isOver = true
        try UploadFile.removeFolder(folder)
    }

    /// Removes the folder of an upload or of a batch. The lock goes last: without it the upload can't be resumed, nor its
    /// folder be reused. Does nothing where there is no such folder.
    static func removeFolder(_ folder: String) throws(BlobError) {
        let names: [String]
        do { names = try Files.names(in: folder) } catch {
            if error.code == .notFound { return }
            throw error
        }
        for name in names where name != "lock" { try Files.remove("\(folder)/\(name)") }
        try Files.remove("\(folder)/lock")
        try Files.removeFolder(folder)
    }
}
