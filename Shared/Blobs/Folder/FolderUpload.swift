internal import CLinux
import Glibc
import Loop

extension FolderBlobStore {
    func folder(of id: BlobUploadID) -> String { "\(path)/uploads/\(id)" }

    public func beginUpload() async throws -> any BlobUpload {
        let id = BlobUploadID()
        return try await onPool { [self] in
            let uploads = try OpenFile("\(path)/uploads", O_RDONLY | O_DIRECTORY)
            // A folder without a lock's file looks abandoned; collectors stay out until it is there and held.
            try uploads.lock(.shared)
            try Files.makeFolder(folder(of: id))
            let lock = try UploadFile.lock(folder(of: id), creating: true)
            uploads.unlock()
            let file = try UploadFile.open(folder(of: id), lock, creating: true)
            try uploads.synchronise()
            return FolderUpload(id, file, in: self)
        }
    }

    public func resumeUpload(_ id: BlobUploadID) async throws -> any BlobUpload {
        try await onPool { [self] in
            do {
                let lock = try UploadFile.lock(folder(of: id), creating: false)
                return FolderUpload(id, try UploadFile.open(folder(of: id), lock, creating: false), in: self)
            } catch {
                guard let failure = error as? BlobError, failure.code == .notFound else { throw error }
                throw BlobError(.notFound, "there is no upload \(id)")
            }
        }
    }
}

/// An upload into a folder.
final class FolderUpload: BlobUpload {
    let id: BlobUploadID
    private let store: FolderBlobStore

    private struct State {
        var file: UploadFile?
        var offset: Int64
        var isBusy = false
    }
    private let state: Lock<State>

    init(_ id: BlobUploadID, _ file: UploadFile, in store: FolderBlobStore) {
        self.id = id
        self.store = store
        state = Lock(State(file: file, offset: file.offset))
    }

    var offset: Int64 { state.withLock { $0.offset } }

    func append(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws {
        try await work { file in
            guard offset == file.offset else {
                throw BlobError(
                    .offsetMismatch, "the upload stands at \(file.offset), and the part begins at \(offset)")
            }
            try file.append(bytes)
        }
    }

    func finish(expecting digest: BlobDigest?) async throws -> BlobPin {
        let held = try await work(ending: true) { [store] file in try store.publish(file, expecting: digest) }
        return held.pin()
    }

    func suspend() async throws {
        try await work(ending: true) { file in
            defer { file.letGo() }
            try file.checkpoint()
        }
    }

    func cancel() async throws {
        guard state.withLock({ $0.file != nil }) else { return }
        try await work(ending: true) { file in try file.remove() }
    }

    /// Runs one call's work on the pool; a second call meanwhile is refused.
    private func work<Result: Sendable>(
        ending: Bool = false, _ body: @escaping @Sendable (UploadFile) throws -> Result
    ) async throws -> Result {
        let file = try state.withLock { state throws(BlobError) in
            guard !state.isBusy else { throw BlobError(.busy, "a call of the upload \(id) is still under way") }
            guard let file = state.file else { throw BlobError(.notFound, "the upload \(id) is over") }
            state.isBusy = true
            return file
        }
        defer {
            state.withLock {
                $0.isBusy = false
                $0.offset = file.offset
                if file.isOver || ending { $0.file = nil }
            }
        }
        return try await store.onPool { try body(file) }
    }
}

/// An upload's files. Used by one pool thread at a time, which its `FolderUpload` sees to.
final class UploadFile: @unchecked Sendable {
    /// After so many bytes the durable offset moves on.
    private static let checkpointBytes: Int64 = 256 << 20
    /// The kernel is asked to begin writing after so many, so that the last fsync finds little left to do.
    private static let writebackBytes: Int64 = 8 << 20

    let folder: String
    let data: OpenFile
    private let lock: OpenFile
    private var hasher: BlobHasher
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
        hasher = try BlobHasher()
        (offset, durableOffset, writebackOffset) = (0, 0, 0)
        if isNew {
            try writeCheckpoint()
            try Files.synchroniseFolder(folder)
        } else {
            try takeUp()
        }
    }

    /// Finds out how much of the file can be trusted, and hashes it anew.
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
        try data.hash(offset, into: hasher)
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
            hasher.update(buffer)
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
        return try hasher.finish()
    }

    /// Removes the upload with what is left of it.
    func remove() throws {
        isOver = true
        try UploadFile.removeFolder(folder)
    }

    /// Removes an upload's folder. The lock goes last: without it the upload can't be resumed, nor its folder be reused.
    static func removeFolder(_ folder: String) throws(BlobError) {
        for name in ["data", "durable", "durable.new", "lock"] { try Files.remove("\(folder)/\(name)") }
        try Files.removeFolder(folder)
    }
}

extension FolderBlobStore {
    /// Turns a written upload into a blob. On the pool.
    func publish(_ upload: UploadFile, expecting expected: BlobDigest?) throws -> HeldBlob {
        let digest = try upload.seal()
        if let expected, digest != expected {
            try? upload.remove()
            throw BlobError(.digestMismatch, "what came is \(digest), and not \(expected)")
        }
        let shard = try OpenFile(shard(of: digest), O_RDONLY | O_DIRECTORY)
        try shard.lock(.shared)
        let held: HeldBlob
        if let known = try hold(digest, touching: true, inside: shard), known.info.size == upload.offset {
            held = known
        } else {
            // The data's shared lock, taken before its first byte, goes with it.
            _ = fchmod(upload.data.descriptor, 0o440)
            try Files.rename("\(upload.folder)/data", file(of: digest))
            held = HeldBlob(upload.data, BlobInfo(digest: digest, size: upload.offset))
        }
        // Known or new: a process that renamed it may have been killed before it made that durable.
        try shard.synchronise()
        try? upload.remove()
        return held
    }
}
