internal import Blobs
internal import Tar

/// What a layer does to the files below it.
struct LayerListing: Sendable {
    /// What is at a path; two of them are equal where nobody could tell them apart.
    struct File: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case folder
            /// By its content.
            case file(BlobDigest?)
            case link(String)
            case other(UInt8)
        }
        var kind: Kind
        var mode: UInt16
        var owner: UInt32
        var group: UInt32
        var size: Int64

        var isFolder: Bool { kind == .folder }
    }

    /// By path, without a slash in front.
    var files: [String: File] = [:]
    /// Paths that are taken away, with all that is below them.
    var removed: Set<String> = []
    /// Folders of which nothing is left that was there before.
    var emptied: Set<String> = []
}

/// Reads a layer's archive as it comes: of a file's bytes only their digest is kept.
struct LayerListingReader {
    private static let mark = ".wh."
    private static let emptyMark = ".wh..wh..opq"

    private(set) var layer = LayerListing()
    /// Whether an entry was left out because there were too many.
    private(set) var isTruncated = false
    private var archive = TarReader()
    private var current: (path: String, file: LayerListing.File, hasher: BlobHasher?)?
    private let isWanted: (String) -> Bool
    private let entriesMax: Int

    /// - Parameters:
    ///   - entriesMax: more entries are not kept.
    ///   - isWanted: others are passed over, and not hashed.
    init(entriesMax: Int, isWanted: @escaping (String) -> Bool) {
        self.entriesMax = entriesMax
        self.isWanted = isWanted
    }

    /// - Throws: `TarError`, `BlobError`.
    mutating func read(_ bytes: ArraySlice<UInt8>) throws {
        var input = bytes
        while let event = try archive.next(&input) {
            switch event {
            case .entry(let entry):
                try finishFile()
                begin(entry)
            case .contents(let bytes):
                guard let hasher = current?.hasher else { continue }
                bytes.withUnsafeBytes { hasher.update($0) }
            case .end: try finishFile()
            }
        }
    }

    mutating func finish() throws { try finishFile() }

    private mutating func begin(_ entry: TarEntry) {
        var path = entry.path
        while path.hasPrefix("/") { path.removeFirst() }
        let slash = path.lastIndex(of: "/")
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let folder = slash.map { String(path[..<$0]) } ?? ""
        if name.hasPrefix(Self.mark) {
            guard layer.removed.count + layer.emptied.count < entriesMax else {
                isTruncated = true
                return
            }
            if name == Self.emptyMark {
                layer.emptied.insert(folder)
            } else {
                let hidden = name.dropFirst(Self.mark.count)
                layer.removed.insert(folder.isEmpty ? String(hidden) : "\(folder)/\(hidden)")
            }
            return
        }
        guard !path.isEmpty, path != ".", isWanted(path) else { return }
        guard layer.files.count < entriesMax else {
            isTruncated = true
            return
        }
        let kind: LayerListing.File.Kind =
            switch entry.kind {
            case .folder: .folder
            case .file: .file(nil)
            case .symbolicLink(let target), .hardLink(let target): .link(target)
            case .other(let flag): .other(flag)
            }
        let file = LayerListing.File(
            kind: kind, mode: entry.mode, owner: entry.owner, group: entry.group, size: entry.size)
        current = (path, file, entry.kind == .file ? try? BlobHasher() : nil)
    }

    private mutating func finishFile() throws {
        guard let finished = current else { return }
        current = nil
        var file = finished.file
        if let hasher = finished.hasher { file.kind = .file(try hasher.finish()) }
        layer.files[finished.path] = file
    }
}
