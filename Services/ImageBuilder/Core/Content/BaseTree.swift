internal import Blobs
internal import OCI
internal import Tar

/// The folders and links of a base, read out of its layers.
struct BaseTree {
    private static let unfoldedMax: Int64 = 64 << 30
    /// Of all layers. The largest bases have some hundred thousand; a layer of a megabyte may unfold to millions.
    static let usualEntriesMax = 1_000_000
    private static let pathBytesMax = 128 << 20

    private var entriesLeft: Int
    private var pathBytesLeft = BaseTree.pathBytesMax
    private var entries: [String: TarEntry] = [:]
    private var links: [String: String] = [:]

    /// - Throws: `BuildFailure` where a layer can't be read; what the store throws.
    init(
        of base: BaseImage, in store: any BlobStore, entriesMax: Int = BaseTree.usualEntriesMax
    ) async throws {
        entriesLeft = entriesMax
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
        var (entriesLeft, pathBytesLeft) = (entriesLeft, pathBytesLeft)
        func take(_ bytes: ArraySlice<UInt8>) throws {
            var rest = bytes
            while let event = try tar.next(&rest) {
                guard case .entry(let entry) = event else { continue }
                entriesLeft -= 1
                pathBytesLeft -= entry.path.utf8.count
                if case .symbolicLink(let target) = entry.kind { pathBytesLeft -= target.utf8.count }
                guard entriesLeft >= 0, pathBytesLeft >= 0 else {
                    throw BuildFailure(
                        "base.size", "\(layer.description): the base has more files than can be looked at")
                }
                found.append(entry)
            }
        }
        try await store.withBlob(layer.descriptor.digest) { reader in
            for try await piece in reader.chunks() {
                try Task.checkCancellation()
                if let gzip { try gzip.read(piece, take) } else { try take(piece) }
            }
        }
        (self.entriesLeft, self.pathBytesLeft) = (entriesLeft, pathBytesLeft)
        // What a layer takes away it takes from those below, wherever in it that is said.
        var whiteouts = Whiteouts()
        for entry in found {
            whiteouts.take(entry)
            // What takes a folder's place takes what is in it.
            if entry.kind != .folder, entries[entry.path] != nil { whiteouts.take(away: entry.path) }
        }
        if !whiteouts.isEmpty {
            entries = entries.filter { !whiteouts.hides($0.key) }
            links = links.filter { !whiteouts.hides($0.key) }
        }
        for entry in found { add(entry) }
    }

    private mutating func add(_ entry: TarEntry) {
        guard let path = try? TarPath.normal(entry.path), !path.isEmpty else { return }
        (entries[path], links[path]) = (nil, nil)
        switch entry.kind {
        case .folder:
            var folder = entry
            folder.path = path
            entries[path] = folder
        case .symbolicLink(let target): links[path] = target
        default: break
        }
    }
}

/// What a layer takes away of those below it. All at once: there may be as many of them as there are files.
private struct Whiteouts {
    private var paths: Set<String> = []
    private var emptied: Set<String> = []

    var isEmpty: Bool { paths.isEmpty && emptied.isEmpty }

    mutating func take(_ entry: TarEntry) {
        let parts = entry.path.split(separator: "/")
        guard let name = parts.last, name.hasPrefix(".wh.") else { return }
        let folder = parts.dropLast().joined(separator: "/")
        if name == ".wh..wh..opq" {
            emptied.insert(folder)
        } else {
            take(away: (folder.isEmpty ? "" : folder + "/") + name.dropFirst(4))
        }
    }

    mutating func take(away path: String) { paths.insert(path) }

    func hides(_ path: String) -> Bool {
        paths.contains(path) || emptied.contains("")
            || TarPath.folders(above: path).contains { paths.contains($0) || emptied.contains($0) }
    }
}
