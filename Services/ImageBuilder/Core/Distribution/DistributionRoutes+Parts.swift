internal import Access
internal import Blobs
internal import HTTP
internal import OCI

extension DistributionRoutes {
    /// The largest manifest that there is.
    static let manifestBytesMax = 4 << 20
    /// What is read and sent at a time.
    private static let chunkBytes = 512 << 10

    func sendManifest(_ request: HTTPRequest, _ workspace: Workspace, _ responder: HTTPResponder) async throws {
        let name = request.parameters["name"] ?? ""
        let reference = request.parameters["reference"] ?? ""
        let place = "\(workspace.name)/\(name)"
        guard let target = ImageTarget(reference),
            let image = try await catalogue.image(name, target, in: workspace)
        else {
            // Told apart for whoever may read the workspace: a wrong tag is another mistake than a wrong name.
            let isThere = try await catalogue.tags(name, in: workspace, after: nil, limit: 1) != nil
            throw isThere ? DistributionError.noManifest(reference, of: place) : .noName(place)
        }
        let digest = image.digest
        var head = ResponseHead(status: 200, fields: DistributionRoutes.fields(of: digest))
        guard !HTTPRange.isKnown(request.head.fields, entityTag: "\"\(digest)\"") else {
            head.status = 304
            try await responder.send(head)
            return try await responder.finish()
        }
        let bytes: [UInt8]
        do {
            bytes = try await store.withBlob(digest) {
                try await $0.verifiedBytes(upTo: DistributionRoutes.manifestBytesMax)
            }
        } catch let error as BlobError {
            throw try await lost(error, digest, name, workspace)
        }
        head.fields.add("content-type", try Manifest(json: bytes[...]).mediaType)
        head.fields.add("content-length", "\(bytes.count)")
        try await responder.send(head)
        if request.head.method != .head { try await responder.write(bytes) }
        try await responder.finish()
    }

    func sendBlob(_ request: HTTPRequest, _ workspace: Workspace, _ responder: HTTPResponder) async throws {
        let name = request.parameters["name"] ?? ""
        let text = request.parameters["digest"] ?? ""
        let place = "\(workspace.name)/\(name)"
        guard let digest = BlobDigest(text) else {
            throw DistributionError(
                400, .digestInvalid, "\"\(text.prefix(100))\" is no digest: sha256: and 64 hexadecimal digits")
        }
        guard try await catalogue.holds(digest, name, in: workspace) else {
            throw DistributionError.noBlob(text, of: place)
        }
        let reader: any BlobReader
        do { reader = try await store.open(digest) } catch let error as BlobError {
            throw try await lost(error, digest, name, workspace)
        }
        // From here on no collector takes it, whatever becomes of the image.
        defer { reader.release() }
        var head = ResponseHead(status: 200, fields: DistributionRoutes.fields(of: digest))
        head.fields.add("accept-ranges", "bytes")
        let entityTag = "\"\(digest)\""
        guard !HTTPRange.isKnown(request.head.fields, entityTag: entityTag) else {
            head.status = 304
            try await responder.send(head)
            return try await responder.finish()
        }
        let size = reader.info.size
        var range: Range<Int64> = 0..<size
        switch request.head.method == .get ? HTTPRange(request.head.fields, size: size, entityTag: entityTag) : .whole {
        case .whole: break
        case .part(let part):
            range = part
            head.status = 206
            head.fields.add("content-range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)")
        case .unsatisfiable:
            throw DistributionError(
                416, .rangeInvalid, "the blob has \(size) bytes, and the range is beyond them",
                fields: ["content-range": "bytes */\(size)", "accept-ranges": "bytes"])
        }
        head.fields.add("content-type", "application/octet-stream")
        head.fields.add("content-length", "\(range.count)")
        try await responder.send(head)
        if request.head.method != .head { try await send(reader, range, responder) }
        try await responder.finish()
    }

    /// A slow client holds up the reading. A whole blob is compared with its name on the way; where it is damaged the
    /// last piece stays here, and the client sees that something is missing.
    private func send(_ reader: any BlobReader, _ range: Range<Int64>, _ responder: HTTPResponder) async throws {
        let isWhole = range.lowerBound == 0 && range.upperBound == reader.info.size
        let chunks =
            isWhole
            ? reader.verifiedChunks(of: DistributionRoutes.chunkBytes)
            : reader.chunks(range, of: DistributionRoutes.chunkBytes)
        for try await chunk in chunks { try await responder.write(chunk) }
    }

    /// Why a blob that an image has could not be read.
    private func lost(
        _ error: BlobError, _ digest: BlobDigest, _ name: String, _ workspace: Workspace
    ) async throws -> any Error {
        guard error.code == .notFound || error.code == .corrupt else { return error }
        // Purged and collected in between? Then it is no more, and nothing was lost.
        guard try await catalogue.holds(digest, name, in: workspace) else {
            return DistributionError.noBlob("\(digest)", of: "\(workspace.name)/\(name)")
        }
        return DistributionError(
            500, .unknown, "the image \(workspace.name)/\(name) has lost \(digest): build it again")
    }

    private static func fields(of digest: BlobDigest) -> HeaderFields {
        // What a digest names never changes, but who may have it does: it is asked for each time, and sent once.
        var fields: HeaderFields = [
            "docker-content-digest": "\(digest)", "etag": "\"\(digest)\"", "cache-control": "private, no-cache",
        ]
        mark(&fields)
        return fields
    }
}
