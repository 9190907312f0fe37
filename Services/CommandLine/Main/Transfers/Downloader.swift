import Blobs
import CommandLineKit
import Contracts
import Glibc
import Loop
import RPC

/// Brings a version's files into a folder.
struct Downloader: Sendable {
    let connection: Connection
    /// `name/3`: no alias, which may point elsewhere before the end.
    let version: String
    let folder: DownloadFolder
    let replaces: Bool

    /// Those that are not in the folder yet.
    /// - Throws: `Failure` where another file is in the place of one, unless it may be replaced.
    func missing(of files: [Slipway.Models.V1.ModelFile]) async throws -> [Slipway.Models.V1.ModelFile] {
        let states = try await AtOnce.each(files, limit: AvailableCores.count) { try isMissing($0) }
        return zip(files, states).filter(\.1).map(\.0)
    }

    private func isMissing(_ file: Slipway.Models.V1.ModelFile) throws -> Bool {
        let place = try folder.place(file.path)
        guard let facts = place.facts else { return true }
        if facts.st_mode & S_IFMT == S_IFREG, Int64(facts.st_size) == file.sizeBytes,
            try FileReader.digest(place.path, { _ in }).digest.description == file.digest
        {
            return false
        }
        guard facts.st_mode & S_IFMT != S_IFDIR else {
            throw Failure(.conflict, "\(place.path) is a folder; a file belongs there")
        }
        guard replaces else {
            throw Failure(.conflict, "\(place.path) is there and is another file; --force replaces it")
        }
        return true
    }

    /// Brings one file, from where an earlier attempt stopped, and checks its digest.
    /// - Throws: `RPCError`, `Failure`.
    func download(_ file: Slipway.Models.V1.ModelFile, _ progress: Progress) async throws {
        var persistence = Persistence(on: connection.loop, progress)
        let part = try PartFile(try folder.place(file.path), digest: file.digest, size: file.sizeBytes)
        progress.advance(by: part.offset)
        persistence.reached(part.offset)
        while part.offset < file.sizeBytes {
            do { try await receive(file, into: part, progress) } catch let error as RPCError {
                persistence.reached(part.offset)
                try await persistence.pause(after: error)
            }
        }
        guard try part.finish(digest: file.digest) else {
            throw Failure(.failed, "\(part.place.path): what came has another digest than \(file.digest)")
        }
    }

    private func receive(
        _ file: Slipway.Models.V1.ModelFile, into part: PartFile, _ progress: Progress
    ) async throws {
        let request = Slipway.Models.V1.DownloadRequest(version: version, path: file.path, offset: part.offset)
        try await connection.files.download(request) { responses in
            for try await response in responses {
                guard Int64(response.data.count) <= file.sizeBytes - part.offset else {
                    throw Failure(.failed, "\(file.path): the server sends more than \(file.sizeBytes) bytes")
                }
                try part.append(response.data)
                progress.advance(by: Int64(response.data.count))
            }
        }
        guard part.offset == file.sizeBytes else {
            throw RPCError(.unavailable, "\(file.path): the server stopped after \(part.offset) bytes")
        }
    }
}
