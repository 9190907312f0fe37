import Blobs
import CommandLineKit
import Contracts
import Protobuf
import RPC

/// Sends many small files in one call: a call and a flush of the server's disk for each of them would take far longer than
/// their bytes.
struct SmallFiles: Sendable {
    /// What goes in one call: fewer than the server takes.
    private static let filesMax = 256
    private static let bytesMax: Int64 = 2 << 20
    /// Larger ones go by themselves, and go on where they stopped.
    static let sizeMax: Int64 = 64 << 10

    let connection: Connection
    let progress: Progress

    /// Files in the groups that are sent together.
    static func batches(_ files: [Registration.HashedFile]) -> [[Registration.HashedFile]] {
        var batches: [[Registration.HashedFile]] = []
        var batch: [Registration.HashedFile] = []
        var bytes: Int64 = 0
        for file in files {
            if batch.count == filesMax || bytes + file.file.sizeBytes > bytesMax, !batch.isEmpty {
                batches.append(batch)
                batch = []
                bytes = 0
            }
            batch.append(file)
            bytes += file.file.sizeBytes
        }
        return batch.isEmpty ? batches : batches + [batch]
    }

    /// - Throws: `RPCError`, `Failure`.
    func upload(_ batch: [Registration.HashedFile]) async throws {
        let request = Slipway.Models.V1.UploadFilesRequest(
            files: try batch.map { file in
                try Interruption.check()
                let bytes = try FileReader.whole(file.location, size: file.file.sizeBytes)
                return Slipway.Models.V1.WholeFile(digest: file.file.digest, data: bytes[...])
            })
        var persistence = Persistence(on: connection.loop, progress)
        while true {
            do {
                _ = try await connection.files.uploadFiles(request)
                return progress.advance(by: batch.reduce(0) { $0 + $1.file.sizeBytes })
            } catch let error as RPCError where error.code == .dataLoss {
                throw SmallFiles.changed(batch, error)
            } catch let error as RPCError {
                try await persistence.pause(after: error)
            }
        }
    }

    private static func changed(_ batch: [Registration.HashedFile], _ error: RPCError) -> Failure {
        let info = error.details.lazy.compactMap { $0.decode(as: Google.Rpc.ErrorInfo.self) }.first
        let file = batch.first { $0.file.digest == info?.metadata["expected"] }
        return Failure(
            .failed,
            "\(file?.location ?? "a file") changed while it was sent, or was damaged on its way: \(error.message)")
    }
}
