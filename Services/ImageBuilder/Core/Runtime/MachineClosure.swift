internal import Glibc

extension ElfClosure {
    /// The closure of programs of this machine.
    static func ofThisMachine(
        _ roots: [String], searching folders: [String] = LibraryFolders.ofThisMachine()
    ) throws -> ElfClosure {
        try ElfClosure(
            of: roots, searching: folders, exists: { access($0, R_OK) == 0 },
            resolve: { path in
                guard let real = realpath(path, nil) else { return nil }
                defer { free(real) }
                return String(cString: real)
            }, read: { try SmallFile.read($0, upTo: 1 << 30) })
    }
}

/// Files that are read whole.
enum SmallFile {
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let reason: String
        var description: String { "\(path): \(reason)" }
    }

    static func read(_ path: String, upTo limit: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) <= limit else {
            throw Failure(path: path, reason: "has more than \(limit) bytes")
        }
        var (result, failed): ([UInt8], Bool) = ([], false)
        while !failed {
            let piece = [UInt8](unsafeUninitializedCapacity: max(1 << 16, Int(status.st_size) + 1)) { buffer, count in
                let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                failed = got < 0 && errno != EINTR
                count = max(0, got)
            }
            if piece.isEmpty, !failed { return result }
            guard result.count + piece.count <= limit else { break }
            result += piece
        }
        throw Failure(path: path, reason: failed ? String(cString: strerror(errno)) : "has more than \(limit) bytes")
    }
}
