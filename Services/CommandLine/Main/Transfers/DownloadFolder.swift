import Blobs
import CommandLineKit
import Glibc

/// A folder that files are put into: never outside of it, whatever paths a server names, and never through a link.
struct DownloadFolder: Sendable {
    let path: String

    /// Makes the folder where it is missing.
    /// - Throws: `Failure`.
    init(_ path: String) throws {
        self.path = path
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o777) == 0 || errno == EEXIST else { throw DownloadFolder.failure(made) }
        }
    }

    /// A file's place: an open folder, and a name in it. Closes with its last reference.
    final class Place {
        let folder: Int32
        let name: String
        /// For messages.
        let path: String

        init(folder: Int32, name: String, path: String) {
            self.folder = folder
            self.name = name
            self.path = path
        }

        deinit { close(folder) }

        /// What is at the place; nil where nothing is.
        var facts: stat? {
            var facts = stat()
            return fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 ? facts : nil
        }

        /// Opens a file beside the place, without following a link.
        func open(_ name: String, _ flags: Int32) throws -> Int32 {
            let descriptor = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw DownloadFolder.failure(path) }
            return descriptor
        }

        func remove(_ name: String) { unlinkat(folder, name, 0) }

        /// Gives the finished part its name.
        func finish(_ part: String) throws {
            guard renameat(folder, part, folder, name) == 0 else { throw DownloadFolder.failure(path) }
        }
    }

    /// Makes the folders on the way to a file.
    /// - Throws: `Failure` for a path that leads out of the folder, or through something that is no folder.
    func place(_ file: String) throws -> Place {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !file.utf8.contains(0), parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            throw Failure(.failed, "the server names the file \"\(file)\", which is no place in a folder")
        }
        var folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw DownloadFolder.failure(path) }
        for part in parts.dropLast() {
            let part = String(part)
            mkdirat(folder, part, 0o777)
            let next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let number = errno
            close(folder)
            errno = number
            guard next >= 0 else { throw DownloadFolder.failure("\(path)/\(file): \(part)") }
            folder = next
        }
        return Place(folder: folder, name: String(name), path: "\(path)/\(file)")
    }

    static func failure(_ path: String) -> Failure {
        Failure(.failed, "\(path): \(String(cString: strerror(errno)))")
    }
}
