import CommandLineKit
import Contracts

enum ImageAlias {
    static let alias = Command<Session>(
        "alias", "Makes an alias point to an image; where it pointed elsewhere it moves.",
        arguments: [ImageGroup.image, ImageGroup.alias], flags: [Shared.reason.specification],
        examples: [.init("slipway image alias churn-svc:2 production", "churn-svc@production is churn-svc:2")]
    ) { values, session in
        let image = try await session.connect().images.setAlias(
            .init(
                alias: values[ImageGroup.alias], image: values[ImageGroup.image], reason: values[Shared.reason] ?? ""))
        try session.show(image) { "" }
        session.done("\(image.name)@\(values[ImageGroup.alias]) is \(ImageText.name(image))")
    }

    static let unalias = Command<Session>(
        "unalias", "Removes an alias of an image.", arguments: [ImageGroup.name, ImageGroup.alias],
        flags: [Shared.reason.specification],
        examples: [.init("slipway image unalias churn-svc canary", "churn-svc@canary is no more")]
    ) { values, session in
        let answer = try await session.connect().images.deleteAlias(
            .init(
                name: values[ImageGroup.name], alias: values[ImageGroup.alias], reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(values[ImageGroup.name])@\(values[ImageGroup.alias]) is removed")
    }
}
