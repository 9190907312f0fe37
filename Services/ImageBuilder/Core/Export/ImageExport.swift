public import Blobs
public import Contracts
internal import OCI
public import RPC

/// Sends images as files. Nothing is written on the way: a client that is slow holds up the reading.
public struct ImageExport: ImageExporting {
    private let store: any BlobStore

    public init(_ store: any BlobStore) { self.store = store }

    public func export(
        _ image: StoredImage, as format: Slipway.Images.V1.ExportRequest.Format,
        to responses: ResponseWriter<Slipway.Images.V1.ExportResponse>
    ) async throws {
        let isForDocker: Bool
        switch format {
        case .dockerArchive: isForDocker = true
        case .ociArchive: isForDocker = false
        default: throw RPCError.badRequest(field: "format", "it is DOCKER_ARCHIVE or OCI_ARCHIVE")
        }
        let exported = try await open(image, isForDocker: isForDocker)
        try await responses.write(Slipway.Images.V1.ExportResponse(totalBytes: exported.size))
        try await exported.write { try await responses.write(Slipway.Images.V1.ExportResponse(data: $0)) }
    }

    /// An image that is about to be sent.
    /// - Throws: `RPCError` `dataLoss` where a part of it is gone.
    func open(_ image: StoredImage, isForDocker: Bool) async throws -> ExportedImage {
        let parts = try await ImageParts(of: image, in: store)
        // As docker shows it after `docker load`: churn:3.
        let name = ImageReference(
            registry: ImageReference.usualRegistry, repository: "library/\(image.image.name)",
            tag: "\(image.image.version)")
        let archive = ImageArchive(
            parts.manifestBytes, of: parts.manifest, name: name, isForDocker: isForDocker, from: store)
        return ExportedImage(archive: archive, parts: parts, size: try archive.size)
    }
}

/// An image as a file to come, and what keeps its parts there until then.
struct ExportedImage: Sendable {
    private let archive: ImageArchive
    private let parts: ImageParts
    let size: Int64

    init(archive: ImageArchive, parts: ImageParts, size: Int64) {
        self.archive = archive
        self.parts = parts
        self.size = size
    }

    /// - Throws: what `send` throws; `RPCError` `dataLoss` where a part turns out damaged.
    func write(_ send: (ArraySlice<UInt8>) async throws -> Void) async throws {
        do {
            // Headers and padding go along with what follows them: a message for each would cost more than it holds.
            var held: [UInt8] = []
            try await archive.write { piece in
                guard held.count + piece.count > 64 << 10 else { return held += piece }
                if !held.isEmpty {
                    try await send(held[...])
                    held.removeAll()
                }
                if piece.count > 32 << 10 { try await send(piece) } else { held += piece }
            }
            if !held.isEmpty { try await send(held[...]) }
        } catch let error as BlobError where error.code == .notFound || error.code == .corrupt {
            throw RPCError(.dataLoss, "the image is damaged: \(error.message); build it again")
        }
        withExtendedLifetime(parts) {}
    }
}
