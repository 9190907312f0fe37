/// What a path inside an image may be.
public enum TarPath {
    /// The path without what means nothing (`./`, doubled slashes), or why it can't be one: absolute, leading out, empty.
    ///
    /// - Throws: `TarError` `.unsafe` or `.malformed`, naming the path.
    public static func normal(_ path: String) throws(TarError) -> String {
        guard !path.utf8.contains(0) else { throw TarError(.malformed, "a path with a zero byte in it") }
        guard !path.hasPrefix("/") else {
            throw TarError(.unsafe, "\(path) is absolute; paths in an image are relative")
        }
        var parts: [Substring] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) where part != "." {
            guard part != ".." else { throw TarError(.unsafe, "\(path) leads out of its image") }
            parts.append(part)
        }
        return parts.joined(separator: "/")
    }

    /// The folders above a path, outermost first.
    public static func folders(above path: String) -> [String] {
        var found: [String] = []
        for index in path.indices where path[index] == "/" { found.append(String(path[..<index])) }
        return found
    }
}
