import Access
import Blobs
import Contracts
import Loop
@testable import OCI
import RPC
import ResourceKit

@testable import DeployerCore

/// Images, models and builds as other services would have them.
final class FakeImages: ImageSource {
    struct State: Sendable {
        var images: [String: FoundImage] = [:]
        var models: Set<String> = []
        /// The activities of builds by the request that asked for them.
        var builds: [String: String] = [:]
        var outcome = BuildOutcome.running("")
        var asked: [Acting] = []
        /// Manifest bytes and parts of images that can be brought.
        var parts: [BlobDigest: (manifest: [UInt8], parts: [[UInt8]])] = [:]
        var failure: OCIError?
        var brought = 0
    }
    let state = Lock(State())

    /// An image of one layer that can be brought.
    @discardableResult
    func add(_ name: String, _ version: Int32, models: [String] = [], needs: FoundImage.Needs = .init()) throws
        -> FoundImage
    {
        let layer = Array("layer of \(name):\(version)".utf8)
        let contents = try BlobHasher.digest(layer)
        let configuration = Array(
            """
            {"architecture":"\(Platform.current.architecture)","os":"linux","config":{},\
            "rootfs":{"type":"layers","diff_ids":["\(contents)"]}}
            """.utf8)
        let settings = try BlobHasher.digest(configuration)
        let manifest = Array(
            """
            {"schemaVersion":2,"mediaType":"\(MediaType.manifest)","config":{"mediaType":"\(MediaType.configuration)",\
            "digest":"\(settings)","size":\(configuration.count)},"layers":[{"mediaType":"\(MediaType.layer)",\
            "digest":"\(contents)","size":\(layer.count)}]}
            """.utf8)
        let digest = try BlobHasher.digest(manifest)
        let image = FoundImage(name: name, version: version, digest: digest, models: models, needs: needs)
        state.withLock { state in
            state.images[image.text] = image
            state.parts[digest] = (manifest, [configuration, layer])
            state.models.formUnion(models)
        }
        return image
    }

    func image(_ text: String, for acting: Acting) async throws -> FoundImage {
        let found = state.withLock { state in
            state.asked.append(acting)
            return state.images[text]
        }
        guard let found else { throw Refusal.notFound("image", "images/\(text)", "there is no image \(text)") }
        return found
    }

    func version(of model: String, for acting: Acting) async throws -> String {
        guard state.withLock({ $0.models.contains(model) }) else {
            throw Refusal.notFound("model", "models/\(model)", "there is no model \(model); did you mean churn?")
        }
        return model
    }

    func image(of version: String, for acting: Acting) async throws -> FoundImage? {
        state.withLock { $0.images.values.first { $0.models == [version] } }
    }

    func build(_ version: String, request: String, reason: String, for acting: Acting) async throws -> String {
        state.withLock { state in
            let name = state.builds[request] ?? "\(EntityID(derivedFrom: "\(request) \(state.builds.count)"))"
            state.builds[request] = name
            return name
        }
    }

    func outcome(of build: String, for acting: Acting) async throws -> BuildOutcome { state.withLock { $0.outcome } }

    func bring(
        _ image: FoundImage, into store: any BlobStore, reusable: @escaping DistributionClient.Reuse,
        for acting: Acting
    ) async throws -> PulledImage {
        let (found, failure) = state.withLock { ($0.parts[image.digest], $0.failure) }
        if let failure { throw failure }
        guard let found else { throw OCIError(.notFound, "there is no \(image.digest)") }
        let manifest = try Manifest(json: found.manifest[...])
        let pins = try await store.putAll(
            try found.parts.map { .init(digest: try BlobHasher.digest($0), bytes: $0[...]) })
        state.withLock { $0.brought += 1 }
        return PulledImage(
            digest: image.digest, manifest: manifest, manifestBytes: found.manifest,
            configuration: try ImageConfiguration(json: found.parts[0][...]), pins: pins)
    }
}
