internal import Blobs
internal import OCI

/// What an image stands on, as it is taken over: with the names of today's specification, whoever wrote it.
struct BaseImage: Sendable {
    private static let documentBytesMax = 4 << 20

    let reference: String
    let configuration: ImageConfiguration
    let layers: [AssembledImage.Layer]
    /// A step for each layer, also where the base says less.
    let history: [ImageConfiguration.Step]
    let pins: [BlobPin]

    /// - Throws: `BuildFailure` where it is for another platform, or can't be stood on; what the store throws.
    init(_ base: BaseIngredient, for platform: Platform, in store: any BlobStore) async throws {
        reference = base.reference
        func document(_ digest: BlobDigest) async throws -> [UInt8] {
            try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: Self.documentBytesMax) }
        }
        do {
            let manifest = try Manifest(json: try await document(base.manifest.digest)[...])
            configuration = try ImageConfiguration(json: try await document(manifest.configuration.digest)[...])
            guard platform.accepts(configuration.platform) else {
                throw BuildFailure(
                    "base.platform", "\(base.reference) is for \(configuration.platform), and the image for \(platform)"
                )
            }
            guard configuration.layerContents.count == manifest.layers.count else {
                throw BuildFailure(
                    "base.damaged",
                    "\(base.reference) has \(manifest.layers.count) layers and names \(configuration.layerContents.count)"
                )
            }
            var (found, pins): ([AssembledImage.Layer], [BlobPin]) = ([], [])
            for (index, (layer, contents)) in zip(manifest.layers, configuration.layerContents).enumerated() {
                pins.append(try await store.pin(layer.digest))
                var descriptor = layer
                descriptor.mediaType = try Self.mediaType(layer, base.reference)
                found.append(
                    AssembledImage.Layer(
                        kind: .base, descriptor: descriptor, contents: contents,
                        description: "\(base.reference), layer \(index + 1)", isReused: true))
            }
            (layers, self.pins) = (found, pins)
        } catch let error as OCIError {
            throw BuildFailure("base.damaged", "\(base.reference): \(error.message)")
        }
        let steps = configuration.history
        history =
            steps.count { !$0.isEmptyLayer } == layers.count
            ? steps : layers.map { ImageConfiguration.Step(createdBy: $0.description) }
    }

    private static func mediaType(_ layer: Descriptor, _ reference: String) throws(BuildFailure) -> String {
        switch layer.mediaType {
        case MediaType.layer, MediaType.gzipLayer, MediaType.zstdLayer: layer.mediaType
        case MediaType.dockerGzipLayer: MediaType.gzipLayer
        case "application/vnd.docker.image.rootfs.diff.tar": MediaType.layer
        default:
            throw BuildFailure(
                "base.layer", "\(reference) has a layer of the kind \(layer.mediaType), which can't be passed on")
        }
    }
}
