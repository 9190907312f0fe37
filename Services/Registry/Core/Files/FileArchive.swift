import Access
import Blobs
import RPC
import Tar

/// All files of a version as one tar file. The same files give the same archive, byte for byte.
struct FileArchive: Sendable {
    let version: FileVersion
    let files: [FileEntry]

    /// How long the archive is.
    var size: Int64 {
        files.reduce(Int64(TarHeader.end.count)) { sum, file in
            sum + Int64(TarHeader.bytes(of: TarEntry(path: file.path, size: file.size)).count)
                + TarHeader.paddedSize(file.size)
        }
    }
}

extension Downloads {
    /// The files of a version, each of which is there and stays for as long as blobs are kept that nobody names, however
    /// many they are: touched rather than held open, because a hundred thousand descriptors are not to be had.
    func archive(_ version: FileVersion) async throws -> FileArchive {
        let archive = FileArchive(version: version, files: try await catalogue.files(of: version))
        for file in archive.files {
            do { try await store.pin(file.digest).release() } catch let error as BlobError where error.code == .notFound
            {
                metrics.damagedFiles.add()
                throw FileError.lost(file)
            }
        }
        return archive
    }

    /// Hands the archive to `send`, each file's first piece together with what file it is.
    /// - Throws: `RPCError` `dataLoss` where a file is damaged; what `send` throws.
    func send(
        _ archive: FileArchive, to send: (FileEntry?, ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        for entry in archive.files {
            let file = try await open(entry)
            defer { file.close() }
            try await send(entry, TarHeader.bytes(of: TarEntry(path: entry.path, size: entry.size))[...])
            try await self.send(file, 0..<entry.size) { try await send(nil, $0) }
            let padding = TarHeader.padding(after: entry.size)
            if !padding.isEmpty { try await send(nil, padding[...]) }
        }
        try await send(nil, TarHeader.end[...])
    }
}
