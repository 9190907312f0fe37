/// A line of an ignore file.
struct IgnorePattern: Sendable, Equatable {
    /// Whose rules the line follows: git's patterns without a slash count in every folder, docker's only at the top.
    enum Dialect: Sendable { case git, docker }

    private enum Segment: Sendable, Equatable {
        case name(GlobPattern)
        /// `**`: any number of folders.
        case folders
    }

    /// Takes back what a line before it said.
    let isNegated: Bool
    /// Is about folders only.
    let isForFolders: Bool
    private let segments: [Segment]

    /// - Returns: nil for what is no pattern: an empty line, a remark, a pattern with an open bracket.
    init?(_ line: some StringProtocol, dialect: Dialect = .git) {
        var text = dialect == .git ? IgnorePattern.withoutTrailingBlanks(line) : IgnorePattern.trimmed(line)
        guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
        isNegated = text.hasPrefix("!")
        if isNegated { text.removeFirst() }
        var isAnchored = dialect == .docker
        let isForFolders = text.hasSuffix("/") && !text.hasSuffix("\\/")
        while text.hasSuffix("/") { text.removeLast() }
        if text.contains("/") { isAnchored = true }
        // For docker a folder's slash says nothing.
        self.isForFolders = isForFolders && dialect == .git
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !parts.isEmpty else { return nil }
        var segments: [Segment] = isAnchored ? [] : [.folders]
        for part in parts {
            if part == "**", isAnchored {
                segments.append(.folders)
            } else if let name = GlobPattern(part) {
                segments.append(.name(name))
            } else {
                return nil
            }
        }
        // At the end it means what is in a folder, and not the folder.
        if segments.last == .folders, let everything = GlobPattern("*") { segments.append(.name(everything)) }
        self.segments = segments
    }

    /// Whether the pattern is about a path, relative to the folder of its file.
    func matches(_ path: [Substring], isFolder: Bool) -> Bool {
        guard isFolder || !isForFolders else { return false }
        return Wildcards.match(segments, path, isMany: { $0 == .folders }) { segment, name in
            guard case .name(let pattern) = segment else { return true }
            return pattern.matches(name)
        }
    }

    /// Blanks at the end count only behind a backslash.
    private static func withoutTrailingBlanks(_ line: some StringProtocol) -> String {
        var text = String(line)
        if text.hasSuffix("\r") { text.removeLast() }
        while text.hasSuffix(" "), !text.hasSuffix("\\ ") { text.removeLast() }
        return text
    }

    private static func trimmed(_ line: some StringProtocol) -> String {
        let text = line.drop(while: \.isWhitespace)
        return String(text.reversed().drop(while: \.isWhitespace).reversed())
    }
}
