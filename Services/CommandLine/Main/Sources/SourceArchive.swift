import CommandLineKit
import Tar

/// A source tree as a tar archive, piece by piece. The same files give the same bytes: they are in order, and times, owners
/// and all permissions but the right to run are left out.
struct SourceArchive {
    let files: [LocalFile]

    /// All the bytes that there will be.
    var size: Int64 {
        entries.reduce(Int64(TarHeader.end.count)) {
            $0 + Int64(TarHeader.bytes(of: $1.entry).count) + TarHeader.paddedSize($1.entry.size)
        }
    }

    /// Hands out the archive, a piece of some bytes at a time.
    /// - Throws: `Failure` where a file has another size than it had, `CancellationError`, what `send` throws.
    func write(_ send: ([UInt8]) async throws -> Void) async throws {
        var buffer: [UInt8] = []
        for (entry, file) in entries {
            try Task.checkCancellation()
            buffer += TarHeader.bytes(of: entry)
            if let file {
                let reader = try FileReader(file.location)
                var left = file.size
                while true {
                    let piece = try reader.next()
                    if piece.isEmpty { break }
                    left -= Int64(piece.count)
                    guard left >= 0 else { throw changed(file) }
                    buffer += piece
                    try await flush(&buffer, unless: FileReader.pieceBytes, send)
                }
                guard left == 0 else { throw changed(file) }
                buffer += TarHeader.padding(after: file.size)
            }
            try await flush(&buffer, unless: FileReader.pieceBytes, send)
        }
        buffer += TarHeader.end
        try await flush(&buffer, unless: 1, send)
    }

    /// Sends what is there where it is enough.
    private func flush(_ buffer: inout [UInt8], unless least: Int, _ send: ([UInt8]) async throws -> Void) async throws
    {
        guard buffer.count >= least else { return }
        try await send(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    private func changed(_ file: LocalFile) -> Failure {
        Failure(.failed, "\(file.location) changed while it was sent; try again")
    }

    /// Every folder stands in front of what is in it.
    private var entries: [(entry: TarEntry, file: LocalFile?)] {
        var entries: [(entry: TarEntry, file: LocalFile?)] = []
        var seen: Set<String> = []
        for file in files {
            for folder in TarPath.folders(above: file.path) where seen.insert(folder).inserted {
                entries.append((TarEntry(path: folder, kind: .folder, mode: 0o755), nil))
            }
            let mode: UInt16 = file.isExecutable ? 0o755 : 0o644
            entries.append((TarEntry(path: file.path, mode: mode, size: file.size), file))
        }
        return entries
    }
}
