internal import Blobs
internal import OCI
internal import Tar

/// The folders and links of a base, read out of its layers.
struct BaseTree {
    private static let unfoldedMax: Int64 = 64 << 30

    private var entries: [String: TarEntry] = [:]
    private var links: [String: String] = [:]

    /// - Throws: `BuildFailure` where a layer can't be read; what the store throws.
    init(of base: BaseImage, in store: any BlobStore) async throws {
        for layer in base.layers {
            guard layer.descriptor.mediaType != MediaType.zstdLayer else {
                throw BuildFailure(
                    "base.layer",
                    "\(base.reference) has a layer in zstd, which can't be looked into: nothing can be laid into its folders"
                )
            }
            do {
                try await read(layer, in: store)
            } catch let error as OCIError {
                throw BuildFailure("base.damaged", "\(layer.description): \(error.message)")
            } catch let error as TarError {
                throw BuildFailure("base.damaged", "\(layer.description): \(error.message)")
            }
        }
    }

    var folders: (entries: [String: TarEntry], links: [String: String]) { (entries, links) }

    private mutating func read(_ layer: AssembledImage.Layer, in store: any BlobStore) async throws {
        let gzip = layer.descriptor.mediaType == MediaType.layer ? nil : try GzipReader(limit: Self.unfoldedMax)
        var tar = TarReader()
        var found: [TarEntry] = []
        func take(_ bytes: ArraySlice<UInt8>) throws {
            var rest = bytes
            while let event = try tar.next(&rest) {
                if case .entry(let entry) = event { found.append(entry) }
            }
        }
        try await store.withBlob(layer.descriptor.digest) { reader in
            for try await piece in reader.chunks() {
                try Task.checkCancellation()
                if let gzip { try gzip.read(piece, take) } else { try take(piece) }
            }
        }
        // What a layer takes away it takes from those below, wherever in it that is said.
        for entry in found { whiteOut(entry) }
        for entry in found { add(entry) }
    }

    private mutating func whiteOut(_ entry: TarEntry) {
        let parts = entry.path.split(separator: "/")
        guard let name = parts.last, name.hasPrefix(".wh.") else { return }
        let folder = parts.dropLast().joined(separator: "/")
        if name == ".wh..wh..opq" {
            remove(below: folder)
        } else {
            let path = (folder.isEmpty ? "" : folder + "/") + name.dropFirst(4)
            (entries[path], links[path]) = (nil, nil)
            remove(below: path)
        }
    }

    private mutating func remove(below folder: String) {
        let prefix = folder.isEmpty ? "" : folder + "/"
        entries = entries.filter { !$0.key.hasPrefix(prefix) }
        links = links.filter { !$0.key.hasPrefix(prefix) }
    }

    private mutating func add(_ entry: TarEntry) {
        guard let path = try? TarPath.normal(entry.path), !path.isEmpty else { return }
        switch entry.kind {
        case .folder:
            links[path] = nil
            var folder = entry
            folder.path = path
            entries[path] = folder
        case .symbolicLink(let target):
            if entries.removeValue(forKey: path) != nil { remove(below: path) }
            links[path] = target
        default:
            if entries.removeValue(forKey: path) != nil { remove(below: path) }
            links[path] = nil
        }
    }
}
