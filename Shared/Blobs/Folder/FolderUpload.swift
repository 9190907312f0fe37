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
    /// The part written last, while it is hashed: the next one is written meanwhile.
    private let hashing = Lock<Task<Void, Never>?>(nil)

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
        guard let file = state.withLock({ $0.file }) else { return }
        await finishHashing()
        // Where the pool has no room, the digest is caught up with from the file.
        hashing.withLock { $0 = Task { [store] in try? await store.onPool { file.digest.add(bytes, at: offset) } } }
    }

    private func finishHashing() async {
        let task = hashing.withLock { hashing in
            defer { hashing = nil }
            return hashing
        }
        await task?.value
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
        if ending { await finishHashing() }
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
