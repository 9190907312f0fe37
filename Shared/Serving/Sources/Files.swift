import Glibc

/// The little that sources need of the file system.
enum Files {
    enum Kind {
        case file
        case folder
    }

    /// Files of one model that are looked at; more are not models' files.
    private static let entriesMax = 10_000
    private static let depthMax = 8
    private static let sizeMax = 16 << 20

    /// What a path leads to, through links; nothing where it leads nowhere.
    static func kind(of path: String) -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return nil
        }
    }

    static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The folder and the last part of a path.
    static func split(_ path: String) -> (folder: String, last: String) {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/") else { return (".", String(path)) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    /// A file's name without its ending.
    static func stem(_ file: String) -> String {
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return file }
        return String(file[..<dot])
    }

    /// A file's ending, without the dot.
    static func ending(_ file: String) -> String {
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return "" }
        return String(file[file.index(after: dot)...]).lowercased()
    }

    /// The names in a folder, sorted.
    static func list(_ folder: String) throws(ServingError) -> [String] {
        guard let stream = opendir(folder) else {
            throw ServingError(.notFound, "cannot read \(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream), names.count < entriesMax {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A small file's bytes.
    static func read(_ path: String) throws(ServingError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ServingError(.unloadable, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else {
                throw ServingError(.unloadable, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= sizeMax else {
                throw ServingError(.unloadable, "\(path) is larger than \(sizeMax >> 20) MiB")
            }
        }
    }

    /// A number that changes with the names, sizes, places and times of files, and of all files below folders. What does
    /// not exist counts as such.
    static func fingerprint(of paths: [String]) -> UInt64 {
        var hash = Fingerprint()
        var left = entriesMax
        for path in paths { add(path, to: &hash, depth: 0, &left) }
        return hash.value
    }

    private static func add(_ path: String, to hash: inout Fingerprint, depth: Int, _ left: inout Int) {
        guard left > 0, depth < depthMax else { return }
        left -= 1
        hash.add(path)
        var status = stat()
        guard stat(path, &status) == 0 else { return hash.add(0) }
        hash.add(UInt64(status.st_ino))
        if status.st_mode & S_IFMT == S_IFDIR {
            // A folder's own time changes with every file that comes and goes; its files say that themselves.
            for name in (try? list(path)) ?? [] where !name.hasPrefix(".") && name != "__pycache__" {
                add("\(path)/\(name)", to: &hash, depth: depth + 1, &left)
            }
        } else {
            hash.add(UInt64(truncatingIfNeeded: status.st_size))
            hash.add(UInt64(truncatingIfNeeded: status.st_mtim.tv_sec))
            hash.add(UInt64(truncatingIfNeeded: status.st_mtim.tv_nsec))
        }
    }
}

/// FNV-1a over 64 bits: not for enemies, only for changes.
private struct Fingerprint {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ text: String) { for byte in text.utf8 { add(byte: byte) } }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { add(byte: UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private mutating func add(byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
