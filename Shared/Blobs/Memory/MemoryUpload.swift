extension MemoryBlobStore {
    public func beginUpload() async throws -> any BlobUpload {
        let id = BlobUploadID()
        state.withLock { $0.uploads[id] = Upload(touched: .now) }
        return MemoryUpload(id: id, store: self)
    }

    public func resumeUpload(_ id: BlobUploadID) async throws -> any BlobUpload {
        try state.withLock { state throws(BlobError) in
            guard let upload = state.uploads[id] else { throw BlobError(.notFound, "there is no upload \(id)") }
            guard !upload.isOpen else { throw BlobError(.busy, "somebody else writes the upload \(id)") }
            state.uploads[id]?.isOpen = true
        }
        return MemoryUpload(id: id, store: self)
    }
}

private struct MemoryUpload: BlobUpload {
    let id: BlobUploadID
    let store: MemoryBlobStore

    var offset: Int64 { Int64(store.state.withLock { $0.uploads[id]?.bytes.count } ?? 0) }

    private var gone: BlobError { BlobError(.notFound, "the upload \(id) is over") }

    func append(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws {
        try store.state.withLock { state throws(BlobError) in
            guard let stands = state.uploads[id]?.bytes.count else { throw gone }
            guard offset == Int64(stands) else {
                throw BlobError(.offsetMismatch, "the upload stands at \(stands), and the part begins at \(offset)")
            }
            state.uploads[id]?.bytes.append(contentsOf: bytes)
            state.uploads[id]?.touched = .now
        }
    }

    func finish(expecting expected: BlobDigest?) async throws -> BlobPin {
        let taken = store.state.withLock { $0.uploads.removeValue(forKey: id) }
        guard let taken else { throw gone }
        let digest = try BlobHasher.digest(taken.bytes)
        if let expected, digest != expected {
            throw BlobError(.digestMismatch, "what came is \(digest), and not \(expected)")
        }
        // Held before it can be seen: a collector never finds it free.
        store.state.withLock { state in
            if state.blobs[digest] == nil {
                state.blobs[digest] = MemoryBlobStore.Blob(bytes: taken.bytes, touched: .now, generation: 0)
            }
            state.blobs[digest]?.holders += 1
        }
        defer { store.state.withLock { $0.blobs[digest]?.holders -= 1 } }
        return try await store.pin(digest)
    }

    func suspend() async throws {
        try store.state.withLock { state throws(BlobError) in
            guard state.uploads[id] != nil else { throw gone }
            state.uploads[id]?.isOpen = false
        }
    }

    func cancel() async throws { store.state.withLock { _ = $0.uploads.removeValue(forKey: id) } }
}
