public import Blobs
internal import Tar

/// Turns a layer's contents into a blob: tar, gzip and both digests in one pass.
public struct LayerWriter: Sendable {
    /// A layer in the store.
    public struct Written: Sendable {
        public let descriptor: Descriptor
        /// The digest of the archive before compression, which configurations name.
        public let contents: BlobDigest
        /// Keeps the blob until a reference to it is recorded.
        public let pin: BlobPin
    }

    let store: any BlobStore
    let files: any LayerFiles
    let level: Int32

    /// - Parameter level: of gzip, from 1 to 9. Part of what decides the digest.
    public init(store: any BlobStore, files: any LayerFiles, level: Int32 = 6) {
        self.store = store
        self.files = files
        self.level = level
    }

    /// - Parameter progress: told of the bytes of contents that went in.
    /// - Throws: `OCIError` where a file is shorter or longer than its entry says, and what the store throws. Nothing is
    ///   left behind then.
    public func write(
        _ contents: LayerContents, progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> Written {
        let upload = try await store.beginUpload()
        do {
            var sink = try Sink(upload: upload, level: level)
            for (entry, source) in contents.sorted {
                try Task.checkCancellation()
                try await sink.write(TarHeader.bytes(of: entry)[...])
                guard entry.kind == .file else { continue }
                let written = try await write(source, of: entry, into: &sink, progress)
                guard written == entry.size else {
                    throw OCIError(
                        .corrupt, "\(entry.path) has \(written) bytes where \(entry.size) were announced: it changed")
                }
                try await sink.write(TarHeader.padding(after: entry.size)[...])
            }
            try await sink.write(TarHeader.end[...])
            let contents = try await sink.finish()
            let pin = try await upload.finish(expecting: nil)
            let descriptor = Descriptor(
                mediaType: MediaType.gzipLayer, digest: pin.info.digest, size: pin.info.size)
            return Written(descriptor: descriptor, contents: contents, pin: pin)
        } catch {
            try? await upload.cancel()
            throw error
        }
    }

    private func write(
        _ source: LayerContents.Source, of entry: TarEntry, into sink: inout Sink,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> Int64 {
        switch source {
        case .none: return 0
        case .bytes(let bytes):
            try await sink.write(bytes[...])
            progress(Int64(bytes.count))
            return Int64(bytes.count)
        case .file(let path):
            return try await write(files.open(path), of: entry, into: &sink, progress)
        case .blob(let digest):
            return try await store.withBlob(digest) { reader in
                var written: Int64 = 0
                for try await piece in reader.verifiedChunks() {
                    try await sink.write(piece)
                    written += Int64(piece.count)
                    progress(Int64(piece.count))
                }
                return written
            }
        }
    }

    private func write(
        _ file: any LayerFile, of entry: TarEntry, into sink: inout Sink, _ progress: @Sendable (Int64) -> Void
    ) async throws -> Int64 {
        defer { file.close() }
        var written: Int64 = 0
        while written <= entry.size {
            let piece = try await file.read(at: written, atMost: Sink.partBytes)
            if piece.isEmpty { break }
            try await sink.write(piece[...])
            written += Int64(piece.count)
            progress(Int64(piece.count))
        }
        return written
    }
}

/// Files of this machine as layers take them.
public protocol LayerFiles: Sendable {
    func open(_ path: String) async throws -> any LayerFile
}

public protocol LayerFile: Sendable {
    /// Empty at the end.
    func read(at offset: Int64, atMost count: Int) async throws -> [UInt8]
    func close()
}

/// Hashes an archive, compresses it and appends it to an upload in large parts.
private struct Sink {
    static let partBytes = 1 << 20

    let upload: any BlobUpload
    let hasher: BlobHasher
    let gzip: GzipWriter
    var part: [UInt8] = []

    init(upload: any BlobUpload, level: Int32) throws {
        self.upload = upload
        hasher = try BlobHasher()
        gzip = try GzipWriter(level: level)
        part.reserveCapacity(Self.partBytes + (1 << 17))
    }

    mutating func write(_ bytes: ArraySlice<UInt8>) async throws {
        bytes.withUnsafeBytes { hasher.update($0) }
        try gzip.write(bytes, into: &part)
        if part.count >= Self.partBytes { try await flush() }
    }

    /// The digest of everything before compression.
    mutating func finish() async throws -> BlobDigest {
        try gzip.finish(into: &part)
        try await flush()
        return try hasher.finish()
    }

    private mutating func flush() async throws {
        if part.isEmpty { return }
        try await upload.append(part[...], at: upload.offset)
        part.removeAll(keepingCapacity: true)
    }
}
