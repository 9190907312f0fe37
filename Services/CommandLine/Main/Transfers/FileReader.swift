import Blobs
import Glibc

/// Reads a file piece by piece. Blocks. Closes with its last reference.
final class FileReader {
    static let pieceBytes = 1 << 20

    private let path: String
    private let descriptor: Int32

    /// - Throws: `Failure`.
    init(_ path: String, from offset: Int64 = 0) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            throw Failure(.failed, "\(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The next bytes; none at the end.
    /// - Throws: `Failure`.
    func next() throws -> [UInt8] {
        var problem: Int32 = 0
        let piece = [UInt8](unsafeUninitializedCapacity: FileReader.pieceBytes) { buffer, count in
            count = 0
            while count < buffer.count {
                let part = read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
                if part == 0 { return }
                if part > 0 {
                    count += part
                } else if errno != EINTR {
                    problem = errno
                    return
                }
            }
        }
        guard problem == 0 else { throw Failure(.failed, "\(path): \(String(cString: strerror(problem)))") }
        return piece
    }

    /// All bytes of a small file.
    /// - Throws: `Failure`, also where it has not the size that it had.
    static func whole(_ path: String, size: Int64) throws -> [UInt8] {
        let bytes = try FileReader(path).next()
        guard Int64(bytes.count) == size else {
            throw Failure(.failed, "\(path) changed while it was sent; register it again")
        }
        return bytes
    }

    /// The digest and the size of a whole file.
    /// - Throws: `Failure`, `BlobError`, `CancellationError` after Ctrl-C.
    static func digest(_ path: String, _ onBytes: (Int64) -> Void) throws -> (digest: BlobDigest, size: Int64) {
        let reader = try FileReader(path)
        let hasher = try BlobHasher()
        var size: Int64 = 0
        while true {
            try Interruption.check()
            let piece = try reader.next()
            guard !piece.isEmpty else { return (try hasher.finish(), size) }
            piece.withUnsafeBytes { hasher.update($0) }
            size += Int64(piece.count)
            onBytes(Int64(piece.count))
        }
    }
}
