internal import Glibc

/// Folders with everything in them.
enum Tree {
    /// The names in an open folder.
    static func names(in folder: Int32) -> [String] {
        let copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func names(in path: String) -> [String] {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return [] }
        defer { close(folder) }
        return names(in: folder)
    }

    /// Removes a name of a folder with everything below it. Links are removed, and never followed; that there is nothing
    /// is no error.
    static func remove(_ name: String, in folder: Int32) throws(SystemFault) {
        if unlinkat(folder, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw SystemFault("remove", name) }
        // What an image forbids to its owner hinders only those who are not root.
        var inside = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inside < 0, errno == EACCES {
            fchmodat(folder, name, 0o700, 0)
            inside = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard inside >= 0 else { throw SystemFault("open", name) }
        defer { close(inside) }
        let children = names(in: inside)
        if !children.isEmpty, geteuid() != 0 { fchmod(inside, 0o700) }
        for child in children { try remove(child, in: inside) }
        guard unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw SystemFault("remove", name) }
    }

    static func remove(_ path: String) throws(SystemFault) { try remove(path, in: AT_FDCWD) }

    /// Makes a folder and those above it.
    static func make(_ path: String, mode: mode_t = 0o700) throws(SystemFault) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, mode) == 0 || errno == EEXIST else { throw SystemFault("make", made) }
        }
    }
}
