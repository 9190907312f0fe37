package import Blobs
package import Identity
package import Loop
package import OCI
package import RPC
internal import Access
internal import Contracts
internal import Outbound
internal import Protobuf
internal import ResourceKit
internal import ServiceKit

/// Images of the suite's image builder, and models of its registry: each asked in the name of whoever wants to deploy.
package struct SuiteImages: ImageSource {
    /// Where the image builder hands out parts of images: host and port, and whether over TLS.
    package struct Distribution: Sendable {
        package var host: String
        package var isSecure: Bool
        package var authorities: String

        package init(host: String, isSecure: Bool = false, authorities: String = "") {
            self.host = host
            self.isSecure = isSecure
            self.authorities = authorities
        }
    }

    private let builder: ServiceGateway
    private let registry: ServiceGateway
    private let delegation: Delegation
    private let distribution: Distribution
    private let outbound: OutboundClient

    /// - Parameters:
    ///   - builder: a bare channel to the image builder; calls are signed here.
    ///   - registry: the same to the registry.
    package init(
        builder: any RPCChannel, registry: any RPCChannel, delegation: Delegation, distribution: Distribution,
        loop: EventLoop
    ) {
        self.builder = ServiceGateway(builder, name: "image builder", delegation: delegation)
        self.registry = ServiceGateway(registry, name: "registry", delegation: delegation)
        self.delegation = delegation
        self.distribution = distribution
        outbound = OutboundClient(loop: loop)
    }

    /// Ends what is under way.
    package func stop() { outbound.stop() }

    package func image(_ text: String, for acting: Acting) async throws -> FoundImage {
        try SuiteImages.found(try await images(acting).getImage(.init(image: text)))
    }

    package func version(of model: String, for acting: Acting) async throws -> String {
        let found = try await models(acting).getVersion(.init(version: model))
        return "\(found.model):\(found.version)"
    }

    package func image(of version: String, for acting: Acting) async throws -> FoundImage? {
        let client = images(acting)
        let answer = try await client.searchImages(.init(model: version, pageSize: 100))
        for candidate in answer.images where candidate.models.map(\.version) == [version] {
            // Lists leave recipes out.
            let whole = try await client.getImage(.init(image: "\(candidate.name):\(candidate.version)"))
            if whole.recipe?.isOfModelsAlone ?? false { return try SuiteImages.found(whole) }
        }
        return nil
    }

    package func build(
        _ version: String, request: String, reason: String, for acting: Acting
    ) async throws -> String {
        let model = version.prefix { $0 != ":" }
        var order = Slipway.Images.V1.BuildRequest()
        order.name = model.lowercased()
        order.recipe = .init(models: [version])
        order.requestId = request
        order.reason = reason
        return try await images(acting).build(order).id
    }

    package func outcome(of build: String, for acting: Acting) async throws -> BuildOutcome {
        let channel = builder.acting(for: acting.principal, in: acting.workspace)
        let activity = try await Slipway.Activities.V1.Activities.Client(channel).get(.init(id: build))
        switch activity.state {
        case .succeeded:
            let name = try JSONReader.read(Array(activity.resultJson.utf8)[...]) { json in
                var name = ""
                try json.members { key, json in
                    if key == "image" { name = try json.string() } else { try json.skipValue() }
                }
                return name
            }
            return .built(image: name)
        case .failed: return .failed(activity.failure?.message ?? "nobody said why")
        case .cancelled: return .failed("\(activity.cancelledBy) ended the build")
        default: return .running(activity.progress?.message ?? "")
        }
    }

    package func bring(
        _ image: FoundImage, into store: any BlobStore, reusable: @escaping DistributionClient.Reuse,
        for acting: Acting
    ) async throws -> PulledImage {
        let right = DelegatedRight(principal: acting.principal, workspace: acting.workspace.id, ceiling: .contributor)
        let (delegation, host) = (delegation, distribution.host)
        let client = DistributionClient(
            outbound,
            settings: RegistrySettings(
                credentials: { registry in
                    guard registry == host else { return nil }
                    return .init(user: "deployer", password: try await delegation.token(for: right).reveal())
                }, plainRegistries: distribution.isSecure ? [] : [host],
                trust: OutboundTrust(authorities: distribution.authorities.isEmpty ? nil : distribution.authorities)))
        let reference = ImageReference(
            registry: host, repository: "\(acting.workspace.name)/\(image.name)", digest: image.digest)
        return try await client.pull(reference, for: .current, into: store, reuse: reusable)
    }

    private func images(_ acting: Acting) -> Slipway.Images.V1.Images.Client {
        .init(builder.acting(for: acting.principal, in: acting.workspace))
    }

    private func models(_ acting: Acting) -> Slipway.Models.V1.Models.Client {
        .init(registry.acting(for: acting.principal, in: acting.workspace))
    }

    private static func found(_ image: Slipway.Images.V1.Image) throws -> FoundImage {
        guard let digest = BlobDigest(image.digest) else {
            throw RPCError(.internal, "the image builder names an image by \(shown(image.digest)), which is no digest")
        }
        let resources = image.recipe?.resources ?? .init()
        return FoundImage(
            name: image.name, version: image.version, digest: digest, models: image.models.map(\.version),
            needs: .init(cpuMillis: resources.cpuMillis, memoryBytes: resources.memoryBytes, gpus: resources.gpus))
    }
}

extension Slipway.Images.V1.Recipe {
    /// Whether it says nothing but which models are in it.
    fileprivate var isOfModelsAlone: Bool {
        var rest = self
        rest.models = []
        rest.adapters = [:]
        rest.resources = nil
        return rest.serialized().isEmpty
    }
}
