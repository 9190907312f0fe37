import ResourceKit
import Access
public import Blobs
public import Contracts
public import Postgres
public import RPC

/// `slipway.models.v1.ModelFiles`: the bytes of models, on their way in and out.
public struct ModelFilesService: Slipway.Models.V1.ModelFiles.SimpleService {
    let uploads: Uploads
    let downloads: Downloads

    /// - Parameter store: shared with whoever registers versions, and with `FileKeeper`.
    public init(
        _ pool: PostgresPool, store: any BlobStore, settings: FileSettings = FileSettings(), metrics: FileMetrics
    ) {
        uploads = Uploads(pool, store: store, settings: settings, metrics: metrics)
        downloads = Downloads(pool, store: store, metrics: metrics)
    }

    public func findMissing(
        _ request: Slipway.Models.V1.FindMissingRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.FindMissingResponse {
        let workspace = try context.caller.workspaceOfCall()
        guard request.files.count <= Uploads.filesAtOnce else {
            throw FileError.tooManyFiles(request.files.count, limit: Uploads.filesAtOnce)
        }
        var digests: [BlobDigest] = []
        digests.reserveCapacity(request.files.count)
        for (index, file) in request.files.enumerated() {
            digests.append(try FileError.digest(file.digest, field: "files[\(index)].digest"))
        }
        return try await translating {
            let missing = try await uploads.missing(digests, in: workspace)
            return Slipway.Models.V1.FindMissingResponse(digests: missing.map(\.description))
        }
    }

    public func beginUpload(
        _ request: Slipway.Models.V1.BeginUploadRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.Upload {
        let digest = try FileError.digest(request.digest, field: "digest")
        return try await translating {
            try await uploads.begin(digest, size: request.sizeBytes, by: context.caller).contract
        }
    }

    public func appendUpload(
        _ requests: RequestStream<Slipway.Models.V1.AppendUploadRequest>, context: ServerContext
    ) async throws -> Slipway.Models.V1.Upload {
        var iterator = requests.makeAsyncIterator()
        guard let first = try await iterator.next() else {
            throw RPCError.badRequest(field: "id", "the first message names the upload, and no message came")
        }
        let id = try FileError.uploadID(first.id)
        return try await translating {
            let writer = try await uploads.write(to: id, at: first.offset, by: context.caller)
            do {
                try await writer.write(first.data)
                while let next = try await iterator.next() {
                    guard next.id.isEmpty || next.id == first.id else {
                        throw RPCError.badRequest(field: "id", "one call appends to one upload, and \(id) came first")
                    }
                    try await writer.write(next.data)
                }
            } catch {
                await writer.letGo()
                throw error
            }
            return try await writer.end().contract
        }
    }

    public func uploadFiles(
        _ request: Slipway.Models.V1.UploadFilesRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.UploadFilesResponse {
        var batch: [BlobContent] = []
        batch.reserveCapacity(min(request.files.count, Uploads.batchFiles))
        for (index, file) in request.files.enumerated() {
            guard index < Uploads.batchFiles else {
                throw FileError.batchOfTooMany(request.files.count, limit: Uploads.batchFiles)
            }
            let digest = try FileError.digest(file.digest, field: "files[\(index)].digest")
            batch.append(BlobContent(digest: digest, bytes: file.data))
        }
        try await translating { try await uploads.putAll(batch, by: context.caller) }
        return Slipway.Models.V1.UploadFilesResponse()
    }

    public func cancelUpload(
        _ request: Slipway.Models.V1.CancelUploadRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.CancelUploadResponse {
        let id = try FileError.uploadID(request.id)
        try await translating { try await uploads.cancel(id, by: context.caller) }
        return Slipway.Models.V1.CancelUploadResponse()
    }

    public func download(
        _ request: Slipway.Models.V1.DownloadRequest,
        responses: ResponseWriter<Slipway.Models.V1.DownloadResponse>, context: ServerContext
    ) async throws {
        let name = try VersionReference(request.version)
        guard request.offset >= 0 else { throw RPCError.badRequest(field: "offset", "\(request.offset) is negative") }
        guard request.length >= 0 else { throw RPCError.badRequest(field: "length", "\(request.length) is negative") }
        try await translating {
            let file = try await downloads.open(request.path, of: name, by: context.caller)
            defer { file.close() }
            let size = file.entry.size
            guard request.offset <= size else { throw FileError.range(request.offset, size: size) }
            let rest = size - request.offset
            let length = request.length == 0 ? rest : min(rest, request.length)
            var entry: FileEntry? = file.entry
            try await downloads.send(file, request.offset..<request.offset + length) { bytes in
                try await responses.write(Slipway.Models.V1.DownloadResponse(entry, bytes))
                entry = nil
            }
            if let entry { try await responses.write(Slipway.Models.V1.DownloadResponse(entry, [])) }
        }
    }

    public func downloadArchive(
        _ request: Slipway.Models.V1.DownloadArchiveRequest,
        responses: ResponseWriter<Slipway.Models.V1.DownloadResponse>, context: ServerContext
    ) async throws {
        let name = try VersionReference(request.version)
        try await translating {
            let version = try await downloads.find(name, by: context.caller)
            try await downloads.send(try await downloads.archive(version)) { entry, bytes in
                try await responses.write(Slipway.Models.V1.DownloadResponse(entry, bytes))
            }
        }
    }
}

/// Runs work on files; failures of the store become what they mean to a caller.
func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch { throw FileError.translated(error) }
}

extension UploadStanding {
    fileprivate var contract: Slipway.Models.V1.Upload {
        Slipway.Models.V1.Upload(id: id.description, offset: offset, done: isDone)
    }
}

extension Slipway.Models.V1.DownloadResponse {
    fileprivate init(_ entry: FileEntry?, _ bytes: ArraySlice<UInt8>) {
        self.init()
        data = bytes
        guard let entry else { return }
        file = Slipway.Models.V1.ModelFile(
            path: entry.path, digest: entry.digest.description, sizeBytes: entry.size)
    }
}
