/// Paths that people give for places of an image.
enum ImagePath {
    /// Kept for us, and for what the kernel shows.
    private static let reserved = ["slipway", "proc", "sys", "dev"]

    /// - Parameter folder: what a path without a slash in front is relative to.
    /// - Returns: absolute, without anything that means nothing.
    /// - Throws: `BuildFailure`, where the path leads out of the image or to what is not its user's.
    static func destination(_ path: String, of what: String, from folder: String? = nil) throws(BuildFailure) -> String
    {
        let full: String
        if path.hasPrefix("/") {
            full = path
        } else if let folder {
            full = "\(folder)/\(path)"
        } else {
            throw BuildFailure("\(what).path", "`\(path)` is not absolute; places in an image begin with `/`")
        }
        var parts: [Substring] = []
        for part in full.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else {
                    throw BuildFailure("\(what).path", "`\(path)` leads out of the image")
                }
            } else {
                parts.append(part)
            }
        }
        if let first = parts.first, reserved.contains(String(first)) {
            throw BuildFailure("\(what).path", "`\(path)` is in /\(first), which is not the user's to fill")
        }
        guard !full.utf8.contains(0) else { throw BuildFailure("\(what).path", "a path with a zero byte in it") }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether it can be a folder under `models`: the scorer passes over what begins with a dot.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && name.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
    }
}
