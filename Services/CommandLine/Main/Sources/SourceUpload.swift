import CommandLineKit
import Contracts
import Protobuf
import RPC

/// Brings source trees to the builder.
struct SourceUpload {
    private static let attemptsMax = 3

    let session: Session
    let connection: Connection

    /// - Parameter what: as the progress calls it.
    /// - Throws: `RPCError`, `Failure`.
    func send(_ files: [LocalFile], _ what: String) async throws -> Slipway.Images.V1.SourceTree {
        let archive = SourceArchive(files: files)
        let total = archive.size
        let progress = Progress(
            "uploading \(what)", total: total, on: session.terminal, isQuiet: session.isQuiet)
        defer { progress.end() }
        var persistence = Persistence(on: connection.loop, progress)
        var attempt = 1
        while true {
            var sent: Int64 = 0
            do {
                return try await connection.images.uploadSource { writer in
                    try await archive.write { bytes in
                        try await writer.write(.init(data: bytes[...]))
                        sent += Int64(bytes.count)
                        progress.advance(by: Int64(bytes.count))
                    }
                }
            } catch let error as RPCError {
                // How much it takes is the builder's to say: it has settings for that.
                guard error.code != .resourceExhausted else {
                    throw Failure(.usage, "\(error.message); \(SourceFolder.remedy)")
                }
                // A tree that breaks off begins anew: it is small as a rule, and what is half there is of no use.
                guard error.code == .unavailable, attempt < SourceUpload.attemptsMax else { throw error }
                attempt += 1
                progress.advance(by: -sent)
                try await persistence.pause(after: error)
            }
        }
    }
}
