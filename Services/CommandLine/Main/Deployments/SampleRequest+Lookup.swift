import Contracts

extension SampleRequest {
    /// What a revision can be tried with, by what the registry and the image builder know of it. That they can't be asked
    /// costs the sample and nothing else.
    static func of(_ revision: Slipway.Deployments.V1.Revision, _ connection: Connection) async -> SampleRequest? {
        guard let version = revision.models.first else { return nil }
        let name = String(version.prefix { $0 != ":" })
        let image = try? await connection.images.getImage(.init(image: revision.image))
        let signature = try? await connection.models.getVersion(.init(version: version)).signature
        return SampleRequest(
            model: name, isOnly: revision.models.count == 1, hasScript: image?.recipe?.entry.isEmpty == false,
            signature: signature ?? nil)
    }
}
