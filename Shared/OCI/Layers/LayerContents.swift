public import Blobs
public import Tar

/// What goes into a layer: entries by path, each once, and every folder above an entry named, so that whoever unpacks it
/// makes it with the right owner and permissions.
public struct LayerContents: Sendable {
    /// Where a file's bytes come from.
    public enum Source: Sendable {
        case bytes([UInt8])
        /// A file of this machine, of which the entry says the size.
        case file(String)
        /// A blob of the store, of which the entry says the size.
        case blob(BlobDigest)
        case none
    }

    /// By path.
    public private(set) var entries: [String: (entry: TarEntry, source: Source)] = [:]
    private let owner: UInt32
    private let group: UInt32

    /// - Parameters: whose the folders are that nobody named.
    public init(owner: UInt32 = 0, group: UInt32 = 0) {
        self.owner = owner
        self.group = group
    }

    /// Adds an entry; one of the same path before it is replaced.
    /// - Throws: `OCIError` where the path leads out, or goes through a file.
    public mutating func add(_ entry: TarEntry, from source: Source = .none) throws(OCIError) {
        var entry = entry
        do { entry.path = try TarPath.normal(entry.path) } catch { throw OCIError(error) }
        guard !entry.path.isEmpty else { throw OCIError(.malformed, "an entry without a path") }
        if case .other(let flag) = entry.kind {
            throw OCIError(.unsupported, "\(entry.path) is a device, pipe or socket (type \(flag)); a layer holds none")
        }
        for folder in TarPath.folders(above: entry.path) {
            if let above = entries[folder] {
                guard above.entry.kind == .folder else {
                    throw OCIError(.unsafe, "\(entry.path) goes through \(folder), which is no folder")
                }
            } else {
                entries[folder] = (TarEntry(path: folder, kind: .folder, owner: owner, group: group), .none)
            }
        }
        entries[entry.path] = (entry, source)
    }

    /// In the order in which they are written: by path, folder before content.
    public var sorted: [(entry: TarEntry, source: Source)] {
        entries.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }.map(\.value)
    }

    public var isEmpty: Bool { entries.isEmpty }
}
