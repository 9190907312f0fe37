import Access
import Blobs
import Protobuf
import RPC

/// What callers hear when files can't be had or taken. One place for every refusal's words.
enum FileError {
    static let domain = "slipway"
    static let storeFull = "STORE_FULL"

    // MARK: what was asked

    static func digest(_ text: String, field: String) throws(RPCError) -> BlobDigest {
        guard let digest = BlobDigest(text) else {
            throw .badRequest(
                field: field,
                "\"\(text.prefix(100))\" is no digest: that is sha256: and 64 hexadecimal digits, a–f small")
        }
        return digest
    }

    static func tooManyFiles(_ count: Int, limit: Int) -> RPCError {
        .badRequest(field: "files", "\(count) files; at most \(limit) can be asked about at once")
    }

    static func batchOfTooMany(_ count: Int, limit: Int) -> RPCError {
        .badRequest(field: "files", "\(count) files; one call brings at most \(limit)")
    }

    static func batchTooLarge(_ bytes: Int, limit: Int) -> RPCError {
        .badRequest(
            field: "files",
            "\(bytes) bytes together; one call brings at most \(limit). Use BeginUpload for larger files")
    }

    static func negativeSize(_ size: Int64) -> RPCError {
        .badRequest(field: "size_bytes", "a file can't have \(size) bytes")
    }

    static func tooLarge(_ size: Int64, limit: Int) -> RPCError {
        .badRequest(field: "size_bytes", "\(size) bytes; a file may have at most \(limit)")
    }

    static func otherSize(_ digest: BlobDigest, _ said: Int64, _ known: Int64) -> RPCError {
        .badRequest(field: "size_bytes", "\(digest) has \(known) bytes, not \(said)")
    }

    // MARK: uploads

    static func uploadID(_ text: String) throws(RPCError) -> BlobUploadID {
        guard let id = BlobUploadID(text) else {
            throw .badRequest(
                field: "id",
                "\"\(text.prefix(100))\" names no upload: that is 32 hexadecimal digits, as BeginUpload gives")
        }
        return id
    }

    static func noUpload(_ id: BlobUploadID) -> RPCError {
        resource(.notFound, "there is no upload \(id); begin it again", type: "upload", "\(id)")
    }

    static func busy(_ id: BlobUploadID) -> RPCError {
        var error = RPCError.retryLater(.aborted, "somebody else writes the upload \(id)", after: .seconds(1))
        error.details.append(info("UPLOAD_BUSY", ["upload": "\(id)"]))
        return error
    }

    static func offset(_ id: BlobUploadID, stands: Int64, asked: Int64) -> RPCError {
        .reason(
            .failedPrecondition, "the upload \(id) stands at \(stands), and these bytes begin at \(asked)",
            reason: "UPLOAD_OFFSET", domain: domain, metadata: ["upload": "\(id)", "offset": "\(stands)"])
    }

    static func alreadyDone(_ id: BlobUploadID, size: Int64) -> RPCError {
        .reason(
            .failedPrecondition, "the upload \(id) is done: all its \(size) bytes are there", reason: "UPLOAD_DONE",
            domain: domain, metadata: ["upload": "\(id)", "offset": "\(size)"])
    }

    static func tooMuch(_ id: BlobUploadID, size: Int64) -> RPCError {
        .badRequest(field: "data", "the upload \(id) was begun with \(size) bytes, and more came")
    }

    static func lied(_ id: BlobUploadID, _ digest: BlobDigest) -> RPCError {
        .reason(
            .dataLoss, "what came as the upload \(id) is not \(digest); the upload is gone, begin it again",
            reason: "DIGEST_MISMATCH", domain: domain, metadata: ["upload": "\(id)", "expected": "\(digest)"])
    }

    static func lied(_ batch: [BlobContent], _ digest: BlobDigest?) -> RPCError {
        let index = batch.firstIndex { $0.digest == digest }.map { "[\($0)]" } ?? ""
        let expected = digest.map { "\($0)" } ?? "what its digest says"
        return .reason(
            .dataLoss, "what came as files\(index) is not \(expected); none of the call's files is kept",
            reason: "DIGEST_MISMATCH", domain: domain, metadata: ["expected": expected])
    }

    static func atOnce(limit: Int) -> RPCError {
        .retryLater(
            .resourceExhausted, "\(limit) uploads of this workspace are being sent already, which is the limit",
            after: .seconds(1))
    }

    static func begun(limit: Int) -> RPCError {
        RPCError(
            .resourceExhausted,
            "\(limit) uploads of this workspace are begun and not done, which is the limit; finish or cancel some")
    }

    static func contended(_ digest: BlobDigest) -> RPCError {
        .retryLater(.aborted, "others begin and cancel the upload of \(digest) at the same time", after: .seconds(1))
    }

    // MARK: downloads

    static func deleted(_ name: String, _ version: Int32) -> RPCError {
        resource(.notFound, "\(name):\(version) is deleted", type: "version", "models/\(name):\(version)")
    }

    static func noFile(_ path: String, of version: FileVersion) -> RPCError {
        resource(.notFound, "\(version) has no file \"\(path.prefix(500))\"", type: "file", "models/\(version)")
    }

    static func damaged(_ file: FileEntry) -> RPCError {
        .reason(
            .dataLoss, "the bytes of \"\(file.path)\" in the store are not \(file.digest)", reason: "FILE_DAMAGED",
            domain: domain, metadata: ["path": file.path, "digest": "\(file.digest)"])
    }

    static func lost(_ file: FileEntry) -> RPCError {
        .reason(
            .dataLoss, "the bytes of \"\(file.path)\", \(file.digest), are not in the store any more",
            reason: "FILE_LOST", domain: domain, metadata: ["path": file.path, "digest": "\(file.digest)"])
    }

    static func range(_ offset: Int64, size: Int64) -> RPCError {
        RPCError(.outOfRange, "offset: the file has \(size) bytes, and \(offset) is beyond them")
    }

    // MARK: the store's own

    /// What a failure of the store means to a caller; other errors as they are.
    static func translated(_ error: any Error) -> any Error {
        guard let error = error as? BlobError else { return error }
        switch error.code {
        case .outOfSpace:
            return RPCError.reason(
                .resourceExhausted, "the store has no room left; what came is kept as far as it was written",
                reason: storeFull, domain: domain)
        case .resources: return RPCError.retryLater(.unavailable, "the store is overloaded", after: .seconds(1))
        case .corrupt: return RPCError(.dataLoss, "the store holds other bytes than it should")
        case .notFound: return RPCError(.notFound, "it is not in the store any more")
        case .busy: return RPCError.retryLater(.aborted, "somebody else works with it", after: .seconds(1))
        default: return RPCError(.internal, "the store failed")
        }
    }

    private static func resource(_ code: RPCCode, _ message: String, type: String, _ name: String) -> RPCError {
        var detail = Google.Rpc.ResourceInfo()
        detail.resourceType = type
        detail.resourceName = name
        return RPCError(code, message, details: [ErrorDetail(detail)])
    }

    private static func info(_ reason: String, _ metadata: [String: String]) -> ErrorDetail {
        var detail = Google.Rpc.ErrorInfo()
        detail.reason = reason
        detail.domain = domain
        detail.metadata = metadata
        return ErrorDetail(detail)
    }
}

extension Caller {
    /// The workspace of the call. Every method of files declares a role in one, so that it is there.
    func workspaceOfCall() throws(RPCError) -> Workspace {
        guard let workspace else { throw RPCError(.internal, "the call is about no workspace") }
        return workspace
    }
}
