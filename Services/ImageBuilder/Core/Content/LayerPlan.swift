internal import Blobs
internal import OCI
internal import Tar

/// What a layer will hold, said without reading it: enough to tell whether it was written before.
struct LayerPlan: Sendable {
    enum Origin: Sendable {
        case bytes([UInt8])
        case blob(BlobDigest, size: Int64)
        /// A file of this machine as it is.
        case file(String)
        /// A program or library of this machine, made to run in the image's own folder.
        case elf(String)
        case folder
        case link(to: String)
    }

    struct Item: Sendable {
        var origin: Origin
        var mode: UInt16
        var owner: UInt32 = 0
    }

    /// How hard a layer is compressed.
    enum Compression: Sendable {
        case level(Int32)
        /// As its contents deserve: numbers that were learned hardly shrink.
        case measured
    }

    /// Of how plans become bytes; counts up with every change of that.
    private static let revision = 1

    let kind: AssembledImage.Layer.Kind
    var description: String
    var compression: Compression
    private(set) var items: [String: Item] = [:]
    /// Folders that are there already below this layer, with what they must stay.
    private let folders: [String: TarEntry]

    init(
        _ kind: AssembledImage.Layer.Kind, _ description: String, compression: Compression = .level(6),
        folders: [String: TarEntry] = [:]
    ) {
        self.kind = kind
        self.description = description
        self.compression = compression
        self.folders = folders
    }

    var isEmpty: Bool { items.isEmpty }

    /// - Parameter path: absolute. What was there under it is replaced.
    mutating func add(_ path: String, _ origin: Origin, mode: UInt16? = nil, owner: UInt32 = 0) {
        let usual: UInt16 =
            switch origin {
            case .folder, .elf: 0o755
            case .link: 0o777
            default: 0o644
            }
        items[ImageLayout.member(path)] = Item(origin: origin, mode: mode ?? usual, owner: owner)
    }

    /// Names everything that decides the bytes of the layer.
    func key(_ digests: FileDigests) throws -> String {
        var text = "layer \(Self.revision) elf \(PrivateElf.revision)"
        switch compression {
        case .level(let level): text += " level \(level)\n"
        case .measured: text += " measured \(Compressibility.revision)\n"
        }
        for (path, item) in items.sorted(by: { $0.key < $1.key }) {
            let origin: String =
                switch item.origin {
                case .bytes(let bytes): "bytes \(try BlobHasher.digest(bytes))"
                case .blob(let digest, _): "bytes \(digest)"
                case .file(let file): "bytes \(try digests.digest(file))"
                case .elf(let file): "elf \(try digests.digest(file))"
                case .folder: "folder"
                case .link(let target): "link \(target.utf8.count) \(target)"
                }
            text += "\(path.utf8.count) \(path) \(item.mode) \(item.owner) \(origin)\n"
        }
        for path in parents.sorted() {
            guard let folder = folders[path] else { continue }
            text += "above \(path.utf8.count) \(path) \(folder.mode) \(folder.owner) \(folder.group)\n"
        }
        return "\(kind.rawValue)-\(try BlobHasher.digest(text.utf8).hexadecimal)"
    }

    /// The same as a layer's writer takes it; reads programs, and blocks while it does.
    func contents() throws -> LayerContents {
        var contents = LayerContents()
        for path in parents { if let folder = folders[path] { try contents.add(folder) } }
        for (path, item) in items.sorted(by: { $0.key < $1.key }) {
            var entry = TarEntry(path: path, mode: item.mode, owner: item.owner, group: item.owner)
            switch item.origin {
            case .bytes(let bytes):
                entry.size = Int64(bytes.count)
                try contents.add(entry, from: .bytes(bytes))
            case .blob(let digest, let size):
                entry.size = size
                try contents.add(entry, from: .blob(digest))
            case .file(let file):
                entry.size = Int64(try FileDigests.Identity(file).size)
                try contents.add(entry, from: .file(file))
            case .elf(let file):
                let bytes: [UInt8]
                do {
                    bytes = try PrivateElf.rewritten(SmallFile.read(file, upTo: 1 << 30), loader: ImageLayout.loader)
                } catch let error as ElfError {
                    throw ElfClosureError("\(file) \(error)")
                }
                entry.size = Int64(bytes.count)
                try contents.add(entry, from: .bytes(bytes))
            case .folder:
                entry.kind = .folder
                try contents.add(entry)
            case .link(let target):
                entry.kind = .symbolicLink(to: target)
                try contents.add(entry)
            }
        }
        return contents
    }

    /// By path.
    var blobs: [(digest: BlobDigest, size: Int64)] {
        items.sorted { $0.key < $1.key }.compactMap { _, item in
            guard case .blob(let digest, let size) = item.origin else { return nil }
            return (digest, size)
        }
    }

    private var parents: Set<String> { Set(items.keys.flatMap { TarPath.folders(above: $0) }) }
}
