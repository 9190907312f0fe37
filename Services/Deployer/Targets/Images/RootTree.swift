internal import CLinux
internal import Glibc
internal import Tar

/// A file system that is being laid out in a folder. Whatever its links say, nothing outside the folder is touched: paths
/// are resolved as by a process whose root it is, and their last parts are not followed.
struct RootTree {
    private let root: OpenFile
    private let mayOwn = geteuid() == 0

    /// - Throws: `SystemFault`.
    init(_ path: String) throws(SystemFault) {
        root = try OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// A name in its folder.
    struct Place {
        let folder: OpenFile
        let name: String
        let path: String
    }

    /// Where a path leads, its folders made where they are missing.
    func place(_ path: String) throws(SystemFault) -> Place {
        let parts = path.split(separator: "/")
        guard let name = parts.last else { throw SystemFault("resolve", path, number: EINVAL) }
        let above = parts.dropLast().joined(separator: "/")
        return Place(folder: try folder(above, makes: true), name: String(name), path: path)
    }

    /// Opens a folder of the tree.
    /// - Parameter makes: makes it where it is missing, and what is above it; a link that leads nowhere yet is led on.
    func folder(_ path: String, makes: Bool) throws(SystemFault) -> OpenFile {
        if let found = open(path) { return found }
        guard makes, errno == ENOENT, !path.isEmpty else { throw SystemFault("open", path) }
        var above = ""
        for name in try withoutLinks(path) {
            guard let parent = open(above) else { throw SystemFault("open", above) }
            let made = mkdirat(parent.descriptor, name, 0o755)
            guard made == 0 || errno == EEXIST else { throw SystemFault("make", path) }
            above = above.isEmpty ? name : "\(above)/\(name)"
        }
        guard let made = open(path) else { throw SystemFault("open", path) }
        return made
    }

    private func open(_ path: String) -> OpenFile? {
        let found = slipway_open_in_root(root.descriptor, path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY, 0)
        return found >= 0 ? OpenFile(found) : nil
    }

    /// The path that a path leads to, by names alone. Nobody else changes the tree meanwhile.
    private func withoutLinks(_ path: String) throws(SystemFault) -> [String] {
        var (real, links): ([String], Int) = ([], 0)
        var rest = path.split(separator: "/").reversed().map(String.init)
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = real.popLast()
                continue
            }
            guard let target = link(name, in: real.joined(separator: "/")) else {
                real.append(name)
                continue
            }
            links += 1
            guard links <= 40 else { throw SystemFault("resolve", path, number: ELOOP) }
            if target.hasPrefix("/") { real = [] }
            rest += target.split(separator: "/").reversed().map(String.init)
        }
        return real
    }

    /// Where a link leads; nil where there is none.
    private func link(_ name: String, in folder: String) -> String? {
        guard let parent = open(folder) else { return nil }
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(parent.descriptor, name, &target, target.count)
        guard count > 0 else { return nil }
        return String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Opens a file for reading; nil where there is none.
    func file(_ path: String) -> OpenFile? {
        let found = slipway_open_in_root(root.descriptor, path, O_RDONLY | O_NONBLOCK, 0)
        return found >= 0 ? OpenFile(found) : nil
    }

    /// A new, empty file in the place of whatever is there.
    func makeFile(_ entry: TarEntry, at place: Place) throws(SystemFault) -> OpenFile {
        try clear(place)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(place.folder.descriptor, place.name, flags, 0o600)
        guard descriptor >= 0 else { throw SystemFault("make", place.path) }
        let file = OpenFile(descriptor)
        if mayOwn, fchown(descriptor, entry.owner, entry.group) != 0, errno != EPERM, errno != EINVAL {
            throw SystemFault("own", place.path)
        }
        // Nobody becomes someone else by a file of an image: replicas could not, and others of this machine must not.
        guard fchmod(descriptor, mode_t(entry.mode & 0o777)) == 0 else { throw SystemFault("mode", place.path) }
        return file
    }

    /// A folder, which keeps what it has where it is one already.
    func makeFolder(_ entry: TarEntry, at place: Place) throws(SystemFault) {
        if mkdirat(place.folder.descriptor, place.name, 0o700) != 0 {
            guard errno == EEXIST else { throw SystemFault("make", place.path) }
            if !isFolder(place) {
                try clear(place)
                guard mkdirat(place.folder.descriptor, place.name, 0o700) == 0 else {
                    throw SystemFault("make", place.path)
                }
            }
        }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(place.folder.descriptor, place.name, flags)
        guard descriptor >= 0 else { throw SystemFault("open", place.path) }
        let folder = OpenFile(descriptor)
        if mayOwn, fchown(descriptor, entry.owner, entry.group) != 0, errno != EPERM, errno != EINVAL {
            throw SystemFault("own", place.path)
        }
        // Those who are not root could not go on writing into a folder that its owner may not write to.
        let mode = mayOwn ? entry.mode & 0o1777 : entry.mode & 0o1777 | 0o700
        guard fchmod(folder.descriptor, mode_t(mode)) == 0 else { throw SystemFault("mode", place.path) }
    }

    func makeLink(to target: String, at place: Place) throws(SystemFault) {
        try clear(place)
        guard symlinkat(target, place.folder.descriptor, place.name) == 0 else {
            throw SystemFault("link", place.path)
        }
    }

    /// Another name of a file that is there.
    func makeHardLink(to target: Place, at place: Place) throws(SystemFault) {
        var (from, to) = (stat(), stat())
        let isThere = fstatat(target.folder.descriptor, target.name, &from, AT_SYMLINK_NOFOLLOW) == 0
        guard isThere else { throw SystemFault("link to", target.path) }
        if fstatat(place.folder.descriptor, place.name, &to, AT_SYMLINK_NOFOLLOW) == 0, from.st_ino == to.st_ino,
            from.st_dev == to.st_dev
        {
            return
        }
        try clear(place)
        let code = linkat(target.folder.descriptor, target.name, place.folder.descriptor, place.name, 0)
        guard code == 0 else { throw SystemFault("link", place.path) }
    }

    /// Removes what is there, with everything below it.
    func clear(_ place: Place) throws(SystemFault) { try Tree.remove(place.name, in: place.folder.descriptor) }

    func isFolder(_ place: Place) -> Bool {
        var status = stat()
        return fstatat(place.folder.descriptor, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes everything durable that was written to the tree's file system.
    func synchronize() throws(SystemFault) {
        guard slipway_sync_filesystem(root.descriptor) == 0 else { throw SystemFault("flush", "the image's files") }
    }
}
