import CommandLineKit
import Glibc

/// The files that go to the builder as one tree, and where the entry script and the dependency file are in it.
struct SourceTree {
    private(set) var files: [LocalFile] = []
    private(set) var entry = ""
    private(set) var dependencies = ""
    /// The folder that it is of; nil where it has but a dependency file.
    let folder: String?
    /// The ignore file that counted.
    let ignoreFile: String?

    var isEmpty: Bool { files.isEmpty }
    var bytes: Int64 { files.reduce(0) { $0 + $1.size } }

    /// The tree of a folder: of the one named, else of that of the entry script.
    ///
    /// An entry script and a dependency file that are elsewhere, or that the ignore file leaves out, are added to it.
    /// - Throws: `Failure`.
    init(folder: String?, entry: String?, dependencies: String?) throws {
        let entryFile = try entry.map { try SourceTree.locate($0, in: folder, flag: "entry") }
        let dependencyFile = try dependencies.map { try SourceTree.locate($0, in: folder, flag: "deps") }
        self.folder = folder ?? entryFile.map(SourceTree.parent)
        if let root = self.folder {
            let source = try SourceFolder(root)
            files = try source.files()
            ignoreFile = source.ignoreFile
            guard !files.isEmpty || entryFile != nil || dependencyFile != nil else {
                throw Failure(.usage, "\(root): there is no file in it that is not left out")
            }
        } else {
            ignoreFile = nil
        }
        if let entryFile { self.entry = try add(entryFile) }
        if let dependencyFile { self.dependencies = try add(dependencyFile) }
        files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        try SourceFolder.check(files: files.count, bytes: bytes, self.folder ?? "the source tree")
    }

    /// A tree of all that is in a folder, but what its own ignore file leaves out.
    init(asset folder: String) throws {
        self.folder = folder
        // What git or docker leave out is often just what an asset is: data, weights.
        let source = try SourceFolder(folder, ignoreFiles: [".slipwayignore"])
        files = try source.files()
        ignoreFile = source.ignoreFile
        guard !files.isEmpty else { throw Failure(.usage, "\(folder): there is no file in it") }
    }

    /// - Returns: the file's path in the tree.
    private mutating func add(_ location: String) throws -> String {
        let facts = try LocalFiles.facts(location)
        guard facts.st_mode & S_IFMT == S_IFREG else { throw Failure(.usage, "\(location) is no file") }
        let real = try RealPath.of(location)
        var path = real.split(separator: "/").last.map(String.init) ?? location
        if let folder, let below = RealPath.below(real, try RealPath.of(folder)) { path = below }
        if let there = files.first(where: { $0.path == path }) {
            guard try RealPath.of(there.location) == real else {
                throw Failure(
                    .usage, "\(location) would be \(path) in the source tree, where \(there.location) is another file")
            }
            return path
        }
        files.append(
            LocalFile(
                path: path, location: location, size: Int64(facts.st_size),
                isExecutable: facts.st_mode & S_IXUSR != 0))
        return path
    }

    /// Where a file is that was named: in the source folder, or wherever the path leads from here.
    private static func locate(_ path: String, in folder: String?, flag: String) throws -> String {
        if let folder, !path.hasPrefix("/"), access("\(folder)/\(path)", F_OK) == 0 { return "\(folder)/\(path)" }
        guard access(path, F_OK) == 0 else {
            let place = folder.map { " in \($0) nor here" } ?? ""
            throw Failure(.notFound, "--\(flag) \(path): there is no such file\(place)")
        }
        return path
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
