import Blobs
import CommandLineKit
import Contracts
import Protobuf
import RPC

/// Sends files' bytes to the store, over as many calls as it takes.
struct Uploader: Sendable {
    let connection: Connection
    let progress: Progress

    /// After so many bytes the server is asked whether they are there.
    private static let callBytes: Int64 = 256 << 20

    /// Sends one file, from where an earlier attempt stopped.
    /// - Returns: how many bytes were sent for it.
    /// - Throws: `RPCError`, `Failure`.
    func upload(_ location: String, digest: String, size: Int64) async throws -> Int64 {
        var persistence = Persistence(on: connection.loop, progress)
        var shown: Int64 = 0
        var first: Int64?
        var id = ""
        while true {
            do {
                let standing = try await connection.files.beginUpload(.init(digest: digest, sizeBytes: size))
                id = standing.id
                let offset = standing.done ? size : standing.offset
                progress.advance(by: offset - shown)
                shown = offset
                first = first ?? offset
                persistence.reached(offset)
                if standing.done { break }
                if try await append(location, to: standing, size: size, shown: &shown).done { break }
            } catch let error as RPCError where error.code == .dataLoss {
                throw Failure(
                    .failed, "\(location) changed while it was sent, or was damaged on its way: \(error.message)")
            } catch let error as RPCError where Uploader.isFull(error) {
                // Half a file that can't be finished would keep its room from everyone else.
                if !id.isEmpty { _ = try? await connection.files.cancelUpload(.init(id: id)) }
                throw Failure(.failed, "the store has no room left; nothing of \(location) is kept there")
            } catch let error as RPCError {
                try await persistence.pause(after: error)
            }
        }
        progress.advance(by: size - shown)
        return size - (first ?? size)
    }

    private static func isFull(_ error: RPCError) -> Bool {
        error.details.contains { $0.decode(as: Google.Rpc.ErrorInfo.self)?.reason == "STORE_FULL" }
    }

    private func append(
        _ location: String, to standing: Slipway.Models.V1.Upload, size: Int64, shown: inout Int64
    ) async throws -> Slipway.Models.V1.Upload {
        let reader = try FileReader(location, from: standing.offset)
        let end = min(size, standing.offset + Uploader.callBytes)
        var offset = standing.offset
        let upload = try await connection.files.appendUpload { writer in
            var message = Slipway.Models.V1.AppendUploadRequest(id: standing.id, offset: standing.offset)
            while offset < end {
                try Task.checkCancellation()
                let piece = try reader.next().prefix(Int(end - offset))
                guard !piece.isEmpty else {
                    throw Failure(.failed, "\(location) became shorter while it was sent; register it again")
                }
                message.data = piece
                try await writer.write(message)
                message = Slipway.Models.V1.AppendUploadRequest()
                offset += Int64(piece.count)
                progress.advance(by: Int64(piece.count))
                shown = offset
            }
        }
        return upload
    }
}
