import Blobs
import CommandLineKit
import Glibc

/// A file on its way in, with the digest of what is there. Blocks. Closes with its last reference; what came stays.
final class PartFile {
    let place: DownloadFolder.Place
    private let name: String
    private let descriptor: Int32
    private var hasher: BlobHasher
    private(set) var offset: Int64 = 0

    /// Opens what an earlier attempt left, or begins.
    /// - Throws: `Failure`, `BlobError`, `CancellationError`.
    init(_ place: DownloadFolder.Place, digest: String, size: Int64) throws {
        self.place = place
        // Named by what it is to become, and where: neither another version nor a file of the same bytes beside it shares it.
        let key = try BlobHasher.digest("\(place.name)\u{0}\(digest)".utf8)
        name = ".slipway-\(key.hexadecimal.prefix(16)).part"
        descriptor = try place.open(name, O_RDWR | O_CREAT)
        hasher = try BlobHasher()
        try takeUp(size)
    }

    deinit { close(descriptor) }

    private func takeUp(_ size: Int64) throws {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw DownloadFolder.failure(place.path) }
        guard Int64(facts.st_size) <= size else { return try restart() }
        var piece = [UInt8](repeating: 0, count: FileReader.pieceBytes)
        while true {
            try Interruption.check()
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return }
            guard count > 0 || errno == EINTR else { throw DownloadFolder.failure(place.path) }
            piece.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0.prefix(max(0, count)))) }
            offset += Int64(max(0, count))
        }
    }

    func append(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                guard count > 0 || errno == EINTR else { throw DownloadFolder.failure(place.path) }
                written += max(0, count)
            }
            hasher.update(buffer)
        }
        offset += Int64(bytes.count)
    }

    /// Puts the file in its place.
    /// - Returns: false where the bytes are not those of the digest; they are gone then.
    func finish(digest: String) throws -> Bool {
        guard try hasher.finish().description == digest else {
            place.remove(name)
            return false
        }
        try place.finish(name)
        return true
    }

    private func restart() throws {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw DownloadFolder.failure(place.path)
        }
    }
}
