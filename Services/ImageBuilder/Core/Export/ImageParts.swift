internal import Blobs
internal import Contracts
internal import OCI
internal import RPC

/// All parts of an image, which stay in the store for as long as this is held.
struct ImageParts: Sendable {
    let digest: BlobDigest
    let manifestBytes: [UInt8]
    let manifest: Manifest
    let configuration: ImageConfiguration
    private let pins: [BlobPin]

    /// The largest document of an image.
    static let documentBytesMax = 4 << 20

    /// - Throws: `RPCError` `dataLoss` where a part is gone or damaged.
    init(of image: StoredImage, in store: any BlobStore) async throws {
        try await self.init(of: image.digest, image.name, in: store)
    }

    /// - Parameter name: for messages.
    init(of digest: BlobDigest, _ name: String, in store: any BlobStore) async throws {
        do {
            self.digest = digest
            var pins = [try await store.pin(digest)]
            manifestBytes = try await ImageParts.document(digest, store)
            manifest = try Manifest(json: manifestBytes[...])
            for part in [manifest.configuration] + manifest.layers { pins.append(try await store.pin(part.digest)) }
            let description = try await ImageParts.document(manifest.configuration.digest, store)
            configuration = try ImageConfiguration(json: description[...])
            self.pins = pins
        } catch let error as BlobError where error.code == .notFound || error.code == .corrupt {
            throw RPCError(.dataLoss, "\(name) is not whole any more: \(error.message); build it again")
        } catch let error as OCIError {
            throw RPCError(.dataLoss, "\(name) is not whole any more: \(error.message); build it again")
        }
    }

    private static func document(_ digest: BlobDigest, _ store: any BlobStore) async throws -> [UInt8] {
        try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: documentBytesMax) }
    }

    /// The compressed bytes of configuration and layers, each once.
    var size: Int64 { Set([manifest.configuration] + manifest.layers).reduce(0) { $0 + $1.size } }

    /// How many configuration and layers are, each once.
    var count: Int { Set(([manifest.configuration] + manifest.layers).map(\.digest)).count }
}
