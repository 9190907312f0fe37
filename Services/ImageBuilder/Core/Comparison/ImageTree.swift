/// The files of an image: layers on top of each other, each with what it does to those below it.
struct ImageTree {
    struct Place: Equatable {
        var file: LayerListing.File
        /// The kind of the layer that has it.
        var layer: String
    }

    private(set) var places: [String: Place] = [:]

    /// - Parameter layers: the lowest first.
    init(_ layers: [(kind: String, files: LayerListing)]) {
        // From the top: what a path is, the first says that knows it.
        var removed: Set<String> = []
        var hiding: Set<String> = []
        for layer in layers.reversed() {
            for (path, file) in layer.files.files where places[path] == nil {
                guard !removed.contains(path), !Self.isBelow(path, removed, hiding) else { continue }
                places[path] = Place(file: file, layer: layer.kind)
            }
            removed.formUnion(layer.files.removed)
            hiding.formUnion(layer.files.emptied)
            for (path, file) in layer.files.files where !file.isFolder { hiding.insert(path) }
        }
    }

    /// Whether a folder above the path is one of those.
    static func isBelow(_ path: String, _ sets: Set<String>...) -> Bool {
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            let folder = String(rest)
            if sets.contains(where: { $0.contains(folder) }) { return true }
        }
        return sets.contains { $0.contains("") }
    }
}

/// Which paths two images may differ in, as their differing layers tell.
struct TouchedPaths: Sendable {
    private var paths: Set<String> = []
    private var above: Set<String> = []
    private var hiding: Set<String> = []

    init(_ layers: some Sequence<LayerListing>) {
        for layer in layers {
            paths.formUnion(layer.files.keys)
            paths.formUnion(layer.removed)
            hiding.formUnion(layer.removed)
            hiding.formUnion(layer.emptied)
            for (path, file) in layer.files where !file.isFolder { hiding.insert(path) }
        }
        for path in paths {
            var rest = path[...]
            while let slash = rest.lastIndex(of: "/") {
                rest = rest[..<slash]
                guard above.insert(String(rest)).inserted else { break }
            }
        }
    }

    func contains(_ path: String) -> Bool {
        paths.contains(path) || above.contains(path) || ImageTree.isBelow(path, hiding)
    }
}
