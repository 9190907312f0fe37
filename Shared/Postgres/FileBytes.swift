import Glibc

/// Small files, read at once.
enum FileBytes {
    /// Nil where the file can't be read; of a file above 16 MiB, its end.
    static func read(_ path: String, most: Int = 16 << 20) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        if size >= 0 { lseek(descriptor, max(0, size - off_t(most)), SEEK_SET) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0, bytes.count < most else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}
