internal import Tar

/// Lays one layer's archive over what the layers below it left.
///
/// Layers may come from anybody: whatever they say, nothing outside the tree is touched. Devices, pipes and sockets are
/// left out, since a replica gets its own.
struct LayerUnpacker {
    /// So many entries an image may have: each takes an inode, and almost nothing in the archive.
    static let entriesMax = 4_000_000
    private static let mark = ".wh."
    private static let opaque = ".wh..wh..opq"

    private let tree: RootTree
    private var reader = TarReader()
    private var file: (file: OpenFile, path: String)?
    /// What this layer has put down: marks take away only what is below it.
    private var own: Set<String> = []
    private(set) var entries = 0

    init(_ tree: RootTree, entriesBefore: Int) {
        self.tree = tree
        entries = entriesBefore
    }

    /// - Throws: `TarError`, `SystemFault`, `TargetError`.
    mutating func read(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        while let event = try reader.next(&rest) {
            switch event {
            case .entry(let entry):
                file = nil
                try put(entry)
            case .contents(let piece):
                guard let (file, path) = file else { continue }
                try file.write(piece, path: path)
            case .end: file = nil
            }
        }
    }

    func finish() throws(TargetError) {
        guard reader.mayEnd else { throw TargetError(.unusableImage, "a layer's archive ends in the middle") }
    }

    private mutating func put(_ original: TarEntry) throws {
        entries += 1
        guard entries <= Self.entriesMax else {
            throw TargetError(.unusableImage, "the image has more than \(Self.entriesMax) files")
        }
        var entry = original
        entry.path = try TarPath.normal(entry.path)
        // The root itself, whose owner and permissions stay ours.
        guard !entry.path.isEmpty else { return }
        let place = try tree.place(entry.path)
        if place.name.hasPrefix(Self.mark) { return try takeAway(place) }
        switch entry.kind {
        case .file: file = (try tree.makeFile(entry, at: place), entry.path)
        case .folder: try tree.makeFolder(entry, at: place)
        case .symbolicLink(let target): try tree.makeLink(to: target, at: place)
        case .hardLink(let target):
            let normal = try TarPath.normal(target.hasPrefix("/") ? String(target.dropFirst()) : target)
            guard !normal.isEmpty else { throw TargetError(.unusableImage, "\(entry.path) is a link to nothing") }
            try tree.makeHardLink(to: try tree.place(normal), at: place)
        case .other(let flag):
            guard (UInt8(ascii: "3")...UInt8(ascii: "6")).contains(flag) else {
                throw TargetError(.unusableImage, "\(entry.path) is of an unknown kind (\(flag))")
            }
            return
        }
        own.insert(entry.path)
    }

    private func takeAway(_ mark: RootTree.Place) throws {
        let above = TarPath.folders(above: mark.path).last ?? ""
        if mark.name == Self.opaque { return try empty(above) }
        // Marks of a union file system for its own use.
        guard !mark.name.hasPrefix(".wh..wh.") else { return }
        let name = String(mark.name.dropFirst(Self.mark.count))
        guard !name.isEmpty, name != ".", name != ".." else {
            throw TargetError(.unusableImage, "\(mark.path) takes away nothing that has a name")
        }
        let path = above.isEmpty ? name : "\(above)/\(name)"
        guard !own.contains(path) else { return }
        try tree.clear(RootTree.Place(folder: mark.folder, name: name, path: path))
    }

    /// Takes everything out of a folder that other layers put there.
    private func empty(_ path: String) throws {
        let folder = try tree.folder(path, makes: false)
        for name in Tree.names(in: folder.descriptor) {
            let inside = path.isEmpty ? name : "\(path)/\(name)"
            let place = RootTree.Place(folder: folder, name: name, path: inside)
            if own.contains(inside) || own.contains(where: { $0.hasPrefix(inside + "/") }) {
                if tree.isFolder(place) { try empty(inside) }
            } else {
                try tree.clear(place)
            }
        }
    }
}
