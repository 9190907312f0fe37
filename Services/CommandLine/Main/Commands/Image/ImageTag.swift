import CommandLineKit
import Contracts

enum ImageTag {
    static let keys = Argument("KEY", "what to remove", repeats: true)

    static let tag = Command<Session>(
        "tag", "Sets tags of an image.", arguments: [ImageGroup.image, ModelTag.tags],
        flags: [Shared.reason.specification],
        examples: [.init("slipway image tag churn-svc:2 stage=canary team=growth", "two of them")]
    ) { values, session in
        var request = Slipway.Images.V1.UpdateImageRequest()
        for pair in values.all(ModelTag.tags).compactMap({ Pair($0) }) { request.setTags[pair.key] = pair.value }
        try await change(request, values, session)
    }

    static let untag = Command<Session>(
        "untag", "Removes tags of an image.", arguments: [ImageGroup.image, keys], flags: [Shared.reason.specification],
        examples: [.init("slipway image untag churn-svc:2 stage", "one tag")]
    ) { values, session in
        var request = Slipway.Images.V1.UpdateImageRequest()
        request.removeTags = values.all(keys)
        try await change(request, values, session)
    }

    private static func change(
        _ request: Slipway.Images.V1.UpdateImageRequest, _ values: Values, _ session: Session
    ) async throws {
        var request = request
        request.image = values[ImageGroup.image]
        request.reason = values[Shared.reason] ?? ""
        let image = try await session.connect().images.updateImage(request)
        try session.show(image) { "" }
        session.done("tags of \(ImageText.name(image)): \(image.tags.isEmpty ? "none" : Shared.shown(image.tags))")
    }
}
