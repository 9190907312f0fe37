import Blobs
import CommandLineKit
import Glibc

/// A file on this machine that is to become one of a model's.
struct LocalFile: Sendable {
    /// In the model, with `/` between folders.
    let path: String
    /// On this machine.
    let location: String
    var size: Int64
    /// Whether its owner may run it.
    var isExecutable = false
}

/// Finds the files under a path.
enum LocalFiles {
    static let countMax = 100_000

    /// All files of a folder and of those in it, by path; or the one file. `.git` is left out.
    /// - Throws: `Failure` for what is neither a file nor a folder, and for links unless they are followed.
    static func find(_ root: String, followsLinks: Bool) throws -> [LocalFile] {
        let facts = try facts(root)
        switch facts.st_mode & S_IFMT {
        case S_IFREG:
            let name = root.split(separator: "/").last.map(String.init) ?? root
            return [LocalFile(path: name, location: root, size: Int64(facts.st_size))]
        case S_IFDIR:
            var found: [LocalFile] = []
            try collect(root, under: "", followsLinks, into: &found)
            guard !found.isEmpty else { throw Failure(.usage, "\(root): there is no file in it") }
            return found.sorted { $0.path < $1.path }
        default: throw Failure(.usage, "\(root) is neither a file nor a folder")
        }
    }

    /// What a path leads to.
    /// - Throws: `Failure` where nothing is there.
    static func facts(_ path: String) throws -> stat {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            let code: ExitCode = errno == ENOENT ? .notFound : .failed
            throw Failure(code, "\(path): \(String(cString: strerror(errno)))")
        }
        return facts
    }

    private static func collect(
        _ folder: String, under prefix: String, _ followsLinks: Bool, into found: inout [LocalFile]
    ) throws {
        try Interruption.check()
        for name in try names(in: folder) where name != ".git" {
            let location = "\(folder)/\(name)"
            let path = prefix + name
            var facts = stat()
            guard lstat(location, &facts) == 0 else {
                throw Failure(.failed, "\(location): \(String(cString: strerror(errno)))")
            }
            if facts.st_mode & S_IFMT == S_IFLNK {
                guard followsLinks else {
                    throw Failure(.usage, "\(location) is a link; --follow-links takes the file that it points to")
                }
                guard stat(location, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
                    throw Failure(.usage, "\(location) is a link to what is no file")
                }
            }
            switch facts.st_mode & S_IFMT {
            case S_IFREG:
                guard found.count < countMax else {
                    throw Failure(.usage, "more than \(countMax) files; a model has so many at most")
                }
                found.append(LocalFile(path: path, location: location, size: Int64(facts.st_size)))
            case S_IFDIR: try collect(location, under: path + "/", followsLinks, into: &found)
            default: throw Failure(.usage, "\(location) is neither a file nor a folder")
            }
        }
    }

    /// - Throws: `Failure`.
    static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            throw Failure(.failed, "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw Failure(.failed, "\(folder): \(String(cString: strerror(errno)))") }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let name else { throw Failure(.usage, "\(folder) has a file whose name is no UTF-8") }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}
