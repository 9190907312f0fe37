internal import Contracts

extension ImageComparer {
    /// Layers that only one has; those that hold the same kind of thing stand side by side.
    static func layers(
        _ from: [Slipway.Images.V1.ImageLayer], _ to: [Slipway.Images.V1.ImageLayer]
    ) -> [Slipway.Images.V1.LayerDifference] {
        let (old, new) = (Set(from.map(\.digest)), Set(to.map(\.digest)))
        let removed = from.filter { !new.contains($0.digest) }
        var added = to.filter { !old.contains($0.digest) }
        var differences: [Slipway.Images.V1.LayerDifference] = removed.map { layer in
            let partner = added.firstIndex { $0.kind == layer.kind }.map { added.remove(at: $0) }
            return Slipway.Images.V1.LayerDifference(kind: layer.kind, from: layer, to: partner)
        }
        differences += added.map { Slipway.Images.V1.LayerDifference(kind: $0.kind, to: $0) }
        return differences
    }

    static func packages(
        _ from: [Slipway.Images.V1.LockedPackage], _ to: [Slipway.Images.V1.LockedPackage]
    ) -> [Slipway.Images.V1.PackageDifference] {
        let old = Dictionary(from.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(to.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return Set(old.keys).union(new.keys).sorted().compactMap { name in
            let (before, after) = (old[name], new[name])
            // The same version in another file is another package: one is for a GPU, perhaps.
            guard before?.version != after?.version || before?.hash_ != after?.hash_ else { return nil }
            return Slipway.Images.V1.PackageDifference(
                name: name, from: before?.version ?? "", to: after?.version ?? "")
        }
    }

    /// Files that differ, by path. Folders are what is in them.
    static func files(_ from: ImageTree, _ to: ImageTree) -> [Slipway.Images.V1.FileDifference] {
        var differences: [Slipway.Images.V1.FileDifference] = []
        for path in Set(from.places.keys).union(to.places.keys) {
            let before = from.places[path].flatMap { $0.file.isFolder ? nil : $0 }
            let after = to.places[path].flatMap { $0.file.isFolder ? nil : $0 }
            guard before?.file != after?.file else { continue }
            differences.append(
                Slipway.Images.V1.FileDifference(
                    path: "/\(path)", change: before == nil ? .added : after == nil ? .removed : .changed,
                    fromBytes: before?.file.size ?? 0, toBytes: after?.file.size ?? 0,
                    layer: (after ?? before)?.layer ?? ""))
        }
        return differences.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
    }
}
