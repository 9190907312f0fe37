/// Links of a source tree, followed within it: what an image gets are files, whose bytes are where they seem to be.
struct SourceLinks {
    /// By path.
    private(set) var files: [String: TreeFile] = [:]
    private var links: [String: Link] = [:]
    private var folders: Set<String> = [""]
    private let filesMax: Int
    /// Of what lies in a tree, for each file that it may have: folders that are named, and ways that links open.
    private static let foldersPerFile = 5
    private var foldersMax: Int { filesMax * Self.foldersPerFile }

    private struct Link {
        let target: String
        /// Of another name of a file, rather than of a way to it: it counts from the top.
        let isHard: Bool
    }
    private static let hopsMax = 40

    init(filesMax: Int) { self.filesMax = filesMax }

    var count: Int { files.count + links.count }

    /// - Throws: `SourceFault` where the place is taken, or lies in a file.
    mutating func add(_ file: TreeFile) throws(SourceFault) {
        try take(file.path)
        files[file.path] = file
    }

    mutating func add(linkAt path: String, to target: String, isHard: Bool) throws(SourceFault) {
        try take(path)
        links[path] = Link(target: target, isHard: isHard)
    }

    mutating func add(folder path: String) throws(SourceFault) {
        guard files[path] == nil, links[path] == nil else { throw SourceFault("\(path) is there twice") }
        var place = ""
        for part in path.split(separator: "/") {
            place += place.isEmpty ? "\(part)" : "/\(part)"
            guard files[place] == nil else { throw SourceFault("\(path) lies in \(place), which is a file") }
            guard links[place] == nil else {
                throw SourceFault("\(path) lies in \(place), which is a link: a tree has its files where they are")
            }
            folders.insert(place)
            // Each costs its whole path, and comes for two letters of a longer one.
            guard folders.count <= foldersMax else {
                throw SourceFault("there are more than \(foldersMax) folders", .tooLarge)
            }
        }
    }

    private mutating func take(_ path: String) throws(SourceFault) {
        guard files[path] == nil, links[path] == nil, !folders.contains(path) else {
            throw SourceFault("\(path) is there twice")
        }
        if let slash = path.lastIndex(of: "/") { try add(folder: String(path[..<slash])) }
    }

    /// Every file with what links lead to.
    /// - Throws: `SourceFault` for a link that leads nowhere, out of the tree, or round in circles.
    func followed() throws(SourceFault) -> [TreeFile] {
        var laying = Laying(found: files, stepsLeft: foldersMax)
        for path in links.keys.sorted() { try lay(path, at: path, inside: [], &laying) }
        return Array(laying.found.values)
    }

    /// Links to folders of links: a few of them open more ways than anybody can go, also where there is no file at the end.
    private struct Laying {
        var found: [String: TreeFile]
        var stepsLeft: Int
    }

    /// Puts what is at `path` at `place`: a file, or all that is in a folder.
    private func lay(
        _ path: String, at place: String, inside above: Set<String>, _ laying: inout Laying
    ) throws(SourceFault) {
        guard laying.stepsLeft > 0 else {
            throw SourceFault("the links lead to more than \(foldersMax) places", .tooLarge)
        }
        laying.stepsLeft -= 1
        guard place.utf8.count <= SourceIntake.pathBytesMax else {
            throw SourceFault(
                "by links, a path has \(place.utf8.count) bytes; \(SourceIntake.pathBytesMax) at most")
        }
        let target = try resolve(path)
        if var file = files[target] {
            file.path = place
            laying.found[place] = file
            guard laying.found.count <= filesMax else {
                throw SourceFault("there are more than \(filesMax) files", .tooLarge)
            }
            return
        }
        guard folders.contains(target) else {
            throw SourceFault("the link \(path) leads to \(target), which is not there")
        }
        let isAround = target.isEmpty || place == target || place.hasPrefix(target + "/")
        guard !isAround, !above.contains(target) else {
            throw SourceFault("the link \(path) leads to \(target.isEmpty ? "the top" : target), which it is in")
        }
        let prefix = target + "/"
        let inner = files.keys.filter { $0.hasPrefix(prefix) } + links.keys.filter { $0.hasPrefix(prefix) }
        for name in inner.sorted() {
            try lay(name, at: place + "/" + name.dropFirst(prefix.count), inside: above.union([target]), &laying)
        }
    }

    /// Where a path leads, links on the way and at its end followed.
    private func resolve(_ path: String) throws(SourceFault) -> String {
        var done: [Substring] = []
        var rest = Array(path.split(separator: "/").reversed())
        var hops = 0
        while let part = rest.popLast() {
            if part == "." { continue }
            if part == ".." {
                guard done.popLast() != nil else {
                    throw SourceFault("the link \(path) leads out of the tree", .unsafe)
                }
                continue
            }
            let here = (done + [part]).joined(separator: "/")
            guard let link = links[here] else {
                done.append(part)
                continue
            }
            hops += 1
            guard hops <= SourceLinks.hopsMax else { throw SourceFault("the link \(path) leads round in circles") }
            guard !link.target.hasPrefix("/") else {
                throw SourceFault("the link \(here) leads to \(link.target), which is not in the tree", .unsafe)
            }
            if link.isHard { done = [] }
            rest += link.target.split(separator: "/").reversed()
        }
        return done.joined(separator: "/")
    }
}

/// What is wrong with a source tree, for whoever brought it.
struct SourceFault: Error, Equatable, CustomStringConvertible {
    enum Code { case malformed, unsafe, tooLarge }

    let description: String
    let code: Code

    init(_ description: String, _ code: Code = .malformed) {
        self.description = description
        self.code = code
    }
}
