import ResourceKit

/// What the paths of a version's files may look like, so that every system can hold them as they are.
enum PathRules {
    static let bytesMax = 1024

    /// What is wrong with one path; nil where nothing is.
    static func fault(_ path: String) -> String? {
        let bytes = path.utf8
        if bytes.isEmpty { return "it is empty; a path is relative, such as model/model.onnx" }
        if bytes.count > bytesMax { return "it has \(bytes.count) bytes; \(bytesMax) at most" }
        if bytes.first == UInt8(ascii: "/") { return "\(shown(path)) is absolute; a path is relative" }
        if bytes.contains(UInt8(ascii: "\\")) { return "\(shown(path)) has a backslash; folders are parted by /" }
        if path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "\(shown(path)) has a control character"
        }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            if part.isEmpty { return "\(shown(path)) has an empty part; one / between folders and none at the end" }
            if part == "." || part == ".." { return "\(shown(path)) has the part \"\(part)\"; name the file itself" }
        }
        return nil
    }

    /// Paths that can't lie beside each other in one folder.
    static func collisions(_ paths: [String], _ report: (_ index: Int, _ fault: String) -> Void) {
        // Where letters differ only in case, one file would overwrite the other on some systems.
        var places: [String: Int] = [:]
        places.reserveCapacity(paths.count)
        let foldedPaths = paths.map { $0.lowercased() }
        for (index, path) in paths.enumerated() {
            guard let other = places[foldedPaths[index]] else {
                places[foldedPaths[index]] = index
                continue
            }
            report(
                index,
                paths[other] == path
                    ? "\(shown(path)) is the path of files[\(other)] too"
                    : "\(shown(path)) differs from files[\(other)], \(shown(paths[other])), only in case")
        }
        for (index, path) in paths.enumerated() where path.utf8.contains(UInt8(ascii: "/")) {
            let folded = foldedPaths[index]
            var end = folded.startIndex
            while let slash = folded[end...].firstIndex(of: "/") {
                if let other = places[String(folded[..<slash])], other != index {
                    report(index, "\(shown(path)) lies in files[\(other)], \(shown(paths[other])), which is a file")
                    break
                }
                end = folded.index(after: slash)
            }
        }
    }
}
