public import Access
import Blobs
import Contracts
import HTTP
import Protobuf
import RPC

/// Files over plain HTTP, for `curl` and for whatever speaks nothing else.
///
///     POST /v1/uploads                                     {"digest":"sha256:…","size_bytes":123} begins an upload
///     GET  /v1/uploads/{id}                                where it stands
///     PUT  /v1/uploads/{id}?offset=N                       appends the body
///     GET  /v1/models/{name}/{version}/files/{path}        a file; ranges
///     GET  /v1/models/{name}/{version}/archive             all files as tar
///
/// A version is a number, `latest` or `@alias`.
public struct FileRoutes: Sendable {
    let uploads: Uploads
    let downloads: Downloads

    public init(_ service: ModelFilesService) {
        uploads = service.uploads
        downloads = service.downloads
    }

    public func add(to routes: inout AccessRoutes) throws {
        try routes.add(.post, "/v1/uploads", requires: .workspace(.contributor)) { request, caller, responder in
            try await answering { try await begin(request, caller, responder) }
        }
        try routes.add(.get, "/v1/uploads/{id}", requires: .workspace(.contributor)) { request, caller, responder in
            try await answering {
                let standing = try await uploads.find(try uploadID(request), by: caller)
                try await FileRoutes.respond(200, standing, responder)
            }
        }
        try routes.add(.put, "/v1/uploads/{id}", requires: .workspace(.contributor)) { request, caller, responder in
            try await answering { try await append(request, caller, responder) }
        }
        let version = "/v1/models/{name}/{version}"
        try routes.add(.get, version + "/files/{path...}", requires: .workspace(.reader)) {
            request, caller, responder in
            try await answering { try await sendFile(request, caller, responder) }
        }
        try routes.add(.get, version + "/archive", requires: .workspace(.reader)) { request, caller, responder in
            try await answering { try await sendArchive(request, caller, responder) }
        }
    }

    /// Where HTTP has a status of its own for a call's error, or a header says more.
    private func answering(_ body: () async throws -> Void) async throws {
        do { try await translating(body) } catch let error as RPCError {
            var failure = HTTPFailure(error)
            for info in error.details.compactMap({ $0.decode(as: Google.Rpc.ErrorInfo.self) }) {
                if info.reason == FileError.storeFull { failure.status = 507 }
                guard let offset = info.metadata["offset"] else { continue }
                failure.status = 409
                failure.fields.set("upload-offset", offset)
            }
            if error.code == .outOfRange { failure.status = 416 }
            throw failure
        }
    }

    private func begin(_ request: HTTPRequest, _ caller: Caller, _ responder: HTTPResponder) async throws {
        let body = try await request.body.collect(upTo: 16 << 10)
        let wanted: Slipway.Models.V1.BeginUploadRequest
        do { wanted = try Slipway.Models.V1.BeginUploadRequest(json: body) } catch {
            throw RPCError(.invalidArgument, "the body is to be {\"digest\":\"sha256:…\",\"size_bytes\":123}: \(error)")
        }
        let digest = try FileError.digest(wanted.digest, field: "digest")
        let standing = try await uploads.begin(digest, size: wanted.sizeBytes, by: caller)
        try await FileRoutes.respond(standing.isDone ? 200 : 201, standing, responder)
    }

    private func append(_ request: HTTPRequest, _ caller: Caller, _ responder: HTTPResponder) async throws {
        let writer = try await uploads.write(to: try uploadID(request), at: try offset(request), by: caller)
        do {
            for try await piece in request.body { try await writer.write(piece) }
        } catch {
            await writer.letGo()
            throw error
        }
        try await FileRoutes.respond(200, try await writer.end(), responder)
    }

    private func uploadID(_ request: HTTPRequest) throws -> BlobUploadID {
        try FileError.uploadID(request.parameters["id"] ?? "")
    }

    private func offset(_ request: HTTPRequest) throws -> Int64 {
        let values = (request.head.query ?? "").split(separator: "&").filter { $0.hasPrefix("offset=") }
        guard values.count == 1, let value = values.first?.dropFirst("offset=".count), let offset = Int64(value),
            offset >= 0
        else { throw RPCError.badRequest(field: "offset", "say once where the body belongs: ?offset=0") }
        return offset
    }

    private static func respond(_ status: Int, _ upload: UploadStanding, _ responder: HTTPResponder) async throws {
        let body =
            "{\"id\":\"\(upload.id)\",\"offset\":\(upload.offset),\"size_bytes\":\(upload.size),\"done\":\(upload.isDone)}\n"
        try await responder.respond(
            status,
            [
                "content-type": "application/json", "cache-control": "no-store",
                "location": "/v1/uploads/\(upload.id)", "upload-offset": "\(upload.offset)",
            ], Array(body.utf8))
    }
}
