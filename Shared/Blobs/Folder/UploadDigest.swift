import Loop

/// How far an upload is hashed.
final class UploadDigest: Sendable {
    private struct State {
        var hasher: BlobHasher
        var offset: Int64 = 0
    }
    private let state: Lock<State>

    init() throws(BlobError) { state = Lock(State(hasher: try BlobHasher())) }

    /// Adds a part where it is the next one; otherwise it is read from the file in the end.
    func add(_ bytes: ArraySlice<UInt8>, at offset: Int64) {
        state.withLock { state in
            guard offset == state.offset else { return }
            bytes.withUnsafeBytes { state.hasher.update($0) }
            state.offset += Int64(bytes.count)
        }
    }

    /// The digest of the file's first `size` bytes.
    func finish(_ file: OpenFile, _ size: Int64) throws(BlobError) -> BlobDigest {
        try state.withLock { state throws(BlobError) in
            try file.hash(state.offset..<size, into: state.hasher)
            state.offset = size
            return try state.hasher.finish()
        }
    }
}
