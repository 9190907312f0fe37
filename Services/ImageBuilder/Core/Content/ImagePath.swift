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
        guard !full.utf8.contains(0) else { throw BuildFailure("\(what).path", "a path with a zero byte in it") }
        let place = "/" + parts.joined(separator: "/")
        try check(place, of: what)
        return place
    }

    /// - Parameter place: absolute, links in it followed: a base's may lead anywhere, and a tree that is laid at the top may
    ///   hold anything.
    /// - Throws: `BuildFailure`, where it is not its user's.
    static func check(_ place: String, of what: String) throws(BuildFailure) {
        guard let first = place.split(separator: "/", maxSplits: 1).first, reserved.contains(String(first)) else {
            return
        }
        throw BuildFailure("\(what).path", "`\(place)` is in /\(first), which is not the user's to fill")
    }

    /// Whether it can be a folder under `models`: the scorer passes over what begins with a dot.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && name.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
    }
}
