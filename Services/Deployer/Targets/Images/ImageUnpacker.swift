internal import Blobs
internal import Loop
internal import OCI
internal import Tar

/// Lays an image out in an empty folder, its bytes compared with every digest that its documents name.
struct ImageUnpacker {
    private static let chunkBytes = 512 << 10

    let image: LocalImage
    let folder: String
    let bytesMax: Int64
    let progress: @Sendable (PreparationProgress) -> Void

    /// On a thread that may block.
    /// - Throws: `TargetError`, and what the store throws.
    func run() async throws {
        let tree = try RootTree(folder)
        let total = image.manifest.layers.reduce(Int64(0)) { $0 + $1.size }
        var done: Int64 = 0
        var entries = 0
        var left = bytesMax
        progress(PreparationProgress(doneBytes: 0, totalBytes: total))
        for (layer, contents) in zip(image.manifest.layers, image.configuration.layerContents) {
            let unfolding = try Unfolding(layer, LayerUnpacker(tree, entriesBefore: entries), limit: left)
            try await image.store.withBlob(layer.digest) { reader in
                for try await chunk in reader.verifiedChunks(of: Self.chunkBytes) {
                    try Task.checkCancellation()
                    try unfolding.read(chunk)
                    done += Int64(chunk.count)
                    progress(PreparationProgress(doneBytes: done, totalBytes: total))
                }
            }
            let found = try unfolding.finish()
            guard found == contents else {
                throw TargetError(
                    .unusableImage, "the layer \(layer.digest) of \(image.name) unfolds to \(found), not to \(contents)"
                )
            }
            (entries, left) = (unfolding.unpacker.entries, left - unfolding.bytes)
        }
        try makeMountPoints(tree)
        try tree.synchronize()
        progress(PreparationProgress(doneBytes: total, totalBytes: total))
    }

    /// The root can't be written to later: where the kernel's file systems and a replica's own folders go must be there.
    private func makeMountPoints(_ tree: RootTree) throws {
        for path in ReplicaRoot.mountedFolders { _ = try tree.folder(path, makes: true) }
        for path in ReplicaRoot.mountedFiles where tree.file(path) == nil {
            let place = try tree.place(path)
            _ = try tree.makeFile(TarEntry(path: path), at: place)
        }
    }
}

/// A layer on its way from the store to the tree.
private final class Unfolding {
    private(set) var unpacker: LayerUnpacker
    private(set) var bytes: Int64 = 0
    private let limit: Int64
    private let gzip: GzipReader?
    private let hasher: BlobHasher

    init(_ layer: Descriptor, _ unpacker: LayerUnpacker, limit: Int64) throws {
        self.unpacker = unpacker
        self.limit = limit
        hasher = try BlobHasher()
        if layer.mediaType.hasSuffix("gzip") {
            gzip = try GzipReader(limit: limit)
        } else if layer.mediaType.hasSuffix("tar") {
            gzip = nil
        } else {
            throw TargetError(
                .unusableImage, "the layer \(layer.digest) is of the kind \(layer.mediaType), which is not understood")
        }
    }

    func read(_ chunk: ArraySlice<UInt8>) throws {
        guard let gzip else { return try take(chunk) }
        try gzip.read(chunk) { try take($0) }
    }

    private func take(_ piece: ArraySlice<UInt8>) throws {
        bytes += Int64(piece.count)
        guard bytes <= limit else {
            throw TargetError(.unusableImage, "the image unfolds to more than is allowed here")
        }
        piece.withUnsafeBytes { hasher.update($0) }
        try unpacker.read(piece)
    }

    func finish() throws -> BlobDigest {
        guard gzip?.isDone ?? true else { throw TargetError(.unusableImage, "a layer ends in the middle") }
        try unpacker.finish()
        return try hasher.finish()
    }
}
