/// What of a folder is left out, by the lines of its ignore file and of those in the folders below.
struct IgnoreRules: Sendable {
    /// Files that say what is left out, the one that counts first. None of them goes along.
    static let fileNames = [".slipwayignore", ".amlignore", ".dockerignore", ".gitignore"]
    /// Never of use in an image.
    static let alwaysIgnored: Set<String> = [".git", "__pycache__"]

    private struct Layer: Sendable {
        /// How many folders deep its file is.
        let depth: Int
        let patterns: [IgnorePattern]
    }

    let dialect: IgnorePattern.Dialect
    private var layers: [Layer] = []

    init(dialect: IgnorePattern.Dialect = .git) { self.dialect = dialect }

    /// Adds the lines of the file in a folder, which count before those of the folders above.
    /// - Parameter folder: relative to the top; empty for the top.
    func adding(_ text: String, in folder: String = "") -> IgnoreRules {
        var rules = self
        let lines = text.split(whereSeparator: \.isNewline)
        rules.layers.append(
            Layer(
                depth: IgnoreRules.parts(folder).count,
                patterns: lines.compactMap { IgnorePattern($0, dialect: dialect) }))
        return rules
    }

    /// Whether something in an ignored folder may be wanted all the same. With git's rules nothing is.
    var mayReturnBelow: Bool {
        dialect == .docker && layers.contains { $0.patterns.contains(where: \.isNegated) }
    }

    /// Whether a path is left out. With git's rules its folder must not be.
    func ignores(_ path: String, isFolder: Bool) -> Bool {
        let parts = IgnoreRules.parts(path)
        guard let name = parts.last else { return false }
        if IgnoreRules.alwaysIgnored.contains(String(name)) { return true }
        if !isFolder, IgnoreRules.fileNames.contains(String(name)) { return true }
        for layer in layers.reversed() where parts.count > layer.depth {
            let below = Array(parts[layer.depth...])
            for pattern in layer.patterns.reversed() where matches(pattern, below, isFolder) {
                return !pattern.isNegated
            }
        }
        return false
    }

    private func matches(_ pattern: IgnorePattern, _ path: [Substring], _ isFolder: Bool) -> Bool {
        if pattern.matches(path, isFolder: isFolder) { return true }
        // Docker looks at a path by itself: what is said of its folders holds for it.
        guard dialect == .docker else { return false }
        return (1..<path.count).contains { pattern.matches(Array(path[..<$0]), isFolder: true) }
    }

    private static func parts(_ path: String) -> [Substring] { path.split(separator: "/") }
}
