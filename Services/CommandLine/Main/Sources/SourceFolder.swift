import CommandLineKit
import Glibc

/// Finds the files of a folder that go into a source tree.
struct SourceFolder {
    static let remedy = "a file .slipwayignore in it leaves out what the image does not need"
    /// Beyond these it is the wrong folder. How much of the rest a builder takes is its own to say.
    static let filesMax = 100_000
    static let bytesMax: Int64 = 10 << 30
    private static let depthMax = 100
    private static let ignoreFileBytesMax = 1 << 20

    /// As it was named.
    let root: String
    /// Without links in it.
    private let realRoot: String
    /// Which ignore file counts; nil where there is none.
    let ignoreFile: String?
    private let wantsIgnoreFiles: [String]

    /// - Parameter ignoreFiles: which say what is left out; the first that is at the top counts.
    /// - Throws: `Failure`.
    init(_ root: String, ignoreFiles: [String] = IgnoreRules.fileNames) throws {
        self.root = root
        wantsIgnoreFiles = ignoreFiles
        let facts = try LocalFiles.facts(root)
        guard facts.st_mode & S_IFMT == S_IFDIR else { throw Failure(.usage, "\(root) is no folder") }
        realRoot = try RealPath.of(root)
        ignoreFile = ignoreFiles.first { access("\(root)/\($0)", F_OK) == 0 }
    }

    /// The files, by path, without what is to be left out. Links are followed to what is in the folder too.
    /// - Throws: `Failure` for links that lead out, for what is neither a file nor a folder, and where there is too much.
    func files() throws -> [LocalFile] {
        var found: [LocalFile] = []
        var bytes: Int64 = 0
        let rules = IgnoreRules(dialect: ignoreFile == ".dockerignore" ? .docker : .git)
        try collect(Place(path: "", location: root, depth: 0), rules, &found, &bytes)
        return found.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private struct Place {
        let path: String
        let location: String
        let depth: Int

        func child(_ name: String) -> Place {
            Place(path: path.isEmpty ? name : "\(path)/\(name)", location: "\(location)/\(name)", depth: depth + 1)
        }
    }

    private func collect(
        _ folder: Place, _ above: IgnoreRules, _ found: inout [LocalFile], _ bytes: inout Int64
    ) throws {
        try Interruption.check()
        guard folder.depth < SourceFolder.depthMax else {
            throw Failure(.usage, "\(folder.location): folders are more than \(SourceFolder.depthMax) deep")
        }
        let rules = try rules(in: folder, above)
        for name in try LocalFiles.names(in: folder.location) {
            let place = folder.child(name)
            var facts = stat()
            guard lstat(place.location, &facts) == 0 else {
                throw Failure(.failed, "\(place.location): \(String(cString: strerror(errno)))")
            }
            let isIgnored = rules.ignores(place.path, isFolder: facts.st_mode & S_IFMT == S_IFDIR)
            if isIgnored, IgnoreRules.alwaysIgnored.contains(name) || !rules.mayReturnBelow { continue }
            if facts.st_mode & S_IFMT == S_IFLNK {
                if isIgnored { continue }
                facts = try followed(place, from: folder)
            }
            switch facts.st_mode & S_IFMT {
            case S_IFDIR: try collect(place, rules, &found, &bytes)
            case _ where isIgnored: continue
            case S_IFREG:
                let isExecutable = facts.st_mode & S_IXUSR != 0
                found.append(
                    LocalFile(
                        path: place.path, location: place.location, size: Int64(facts.st_size),
                        isExecutable: isExecutable))
                bytes += Int64(facts.st_size)
                try SourceFolder.check(files: found.count, bytes: bytes, root)
            default:
                throw Failure(.usage, "\(place.location) is neither a file nor a folder; an ignore file leaves it out")
            }
        }
    }

    /// - Throws: `Failure` where there is more than a builder takes.
    static func check(files: Int, bytes: Int64, _ root: String) throws {
        guard files <= filesMax, bytes <= bytesMax else {
            throw Failure(
                .usage,
                "\(root) has more than \(files > filesMax ? "\(filesMax) files" : Amounts.bytes(bytesMax)); "
                    + remedy)
        }
    }

    /// Only git's files count below the top as well.
    private func rules(in folder: Place, _ above: IgnoreRules) throws -> IgnoreRules {
        guard let ignoreFile, folder.path.isEmpty || ignoreFile != ".dockerignore" else { return above }
        let location = "\(folder.location)/\(ignoreFile)"
        guard access(location, F_OK) == 0 else { return above }
        let bytes = try FileReader(location).next()
        guard bytes.count < SourceFolder.ignoreFileBytesMax else {
            throw Failure(.usage, "\(location) has a megabyte and more; that is no ignore file")
        }
        return above.adding(String(decoding: bytes, as: UTF8.self), in: folder.path)
    }

    /// What a link leads to.
    private func followed(_ link: Place, from folder: Place) throws -> stat {
        var facts = stat()
        guard stat(link.location, &facts) == 0 else {
            throw Failure(.usage, "\(link.location) is a link that leads nowhere")
        }
        let target = try RealPath.of(link.location)
        guard RealPath.isInside(target, realRoot) else {
            throw Failure(
                .usage,
                "\(link.location) is a link that leads out of \(root); a source tree has only what is in its folder")
        }
        if facts.st_mode & S_IFMT == S_IFDIR, RealPath.isInside(try RealPath.of(folder.location), target) {
            throw Failure(.usage, "\(link.location) is a link to a folder that it is in")
        }
        return facts
    }
}

/// Paths without links, `.` and `..` in them.
enum RealPath {
    /// - Throws: `Failure` where nothing is there.
    static func of(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            let code: ExitCode = errno == ENOENT ? .notFound : .failed
            throw Failure(code, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Whether a path is the folder, or in it. Both are real.
    static func isInside(_ path: String, _ folder: String) -> Bool {
        folder == "/" || path == folder || path.hasPrefix(folder + "/")
    }

    /// The path below a folder that it is in; nil where it is not.
    static func below(_ path: String, _ folder: String) -> String? {
        guard path != folder, isInside(path, folder) else { return nil }
        return String(path.dropFirst(folder == "/" ? 1 : folder.count + 1))
    }
}
