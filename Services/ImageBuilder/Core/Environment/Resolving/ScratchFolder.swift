internal import CLinux
internal import Glibc
internal import Loop

/// A folder for what is under way, gone when it is released or nobody holds it any more. What a killed builder left is
/// removed by the next that needs one: a folder in use is locked.
final class ScratchFolder: Sendable {
    let path: String
    private let descriptor: Int32
    private let isGone = Lock(false)

    /// - Parameter parent: made where it is not there.
    /// - Throws: `BuildFailure`.
    init(in parent: String) throws(BuildFailure) {
        try Self.make(parent)
        Self.sweep(parent)
        var template = Array("\(parent)/work-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure(parent, "no folder can be made in it") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, slipway_flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Self.failure(path, "can't be locked")
        }
    }

    deinit { release() }

    /// Removes it; does nothing the second time. Blocks as long as that takes.
    func release() {
        let isFirst = isGone.withLock { isGone in
            defer { isGone = true }
            return !isGone
        }
        guard isFirst else { return }
        Self.remove(path)
        close(descriptor)
    }

    /// Makes a folder with those above it.
    static func make(_ path: String) throws(BuildFailure) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            made += (made.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw failure(made, "can't be made") }
        }
    }

    static func write(_ bytes: some Collection<UInt8>, to path: String) throws(BuildFailure) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw failure(path, "can't be written") }
        defer { close(file) }
        try write(bytes, to: file, path)
    }

    static func append(_ bytes: ArraySlice<UInt8>, to path: String) throws(BuildFailure) {
        let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw failure(path, "can't be written") }
        defer { close(file) }
        try write(bytes, to: file, path)
    }

    static func write(_ bytes: some Collection<UInt8>, to file: Int32, _ path: String) throws(BuildFailure) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path, "can't be written") }
            rest = rest.dropFirst(count)
        }
    }

    /// Files below a folder by their path in it, sorted; links are not among them.
    static func files(below folder: String) -> [String] {
        var found: [String] = []
        var waiting = [""]
        while let next = waiting.popLast() {
            for (name, kind) in entries(of: "\(folder)/\(next)") {
                let path = next.isEmpty ? name : "\(next)/\(name)"
                if kind == S_IFDIR { waiting.append(path) } else if kind == S_IFREG { found.append(path) }
            }
        }
        return found.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Removes a tree, as far as that can be done.
    static func remove(_ path: String) {
        for (name, kind) in entries(of: path) {
            if kind == S_IFDIR { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
        rmdir(path)
    }

    /// What is in a folder, with the kind of each; links are not followed.
    static func entries(of folder: String) -> [(name: String, kind: mode_t)] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [(String, mode_t)] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard name != ".", name != "..", lstat("\(folder)/\(name)", &status) == 0 else { continue }
            found.append((name, status.st_mode & S_IFMT))
        }
        return found
    }

    /// A minute is left to whoever made one and has not locked it yet.
    private static func sweep(_ parent: String) {
        for (name, kind) in entries(of: parent) where kind == S_IFDIR && name.hasPrefix("work-") {
            var status = stat()
            let path = "\(parent)/\(name)"
            guard lstat(path, &status) == 0, status.st_mtim.tv_sec < time(nil) - 60 else { continue }
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else { continue }
            if slipway_flock(folder, LOCK_EX | LOCK_NB) == 0 { remove(path) }
            close(folder)
        }
    }

    static func failure(_ path: String, _ what: String) -> BuildFailure {
        BuildFailure("builder.storage", "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
