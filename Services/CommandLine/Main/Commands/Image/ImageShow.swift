import CommandLineKit
import Contracts

enum ImageShow {
    static let command = Command<Session>(
        "show", "Shows an image: its models, its layers, its packages, and what it was built of.",
        arguments: [ImageGroup.image], flags: [ImageSearch.deleted.specification],
        examples: [
            .init("slipway image show churn-svc@production", "what is in use"),
            .init("slipway image show churn-svc:2 -o json", "all of it, for a program"),
        ]
    ) { values, session in
        let image = try await session.connect().images.getImage(
            .init(image: values[ImageGroup.image], includeDeleted: values[ImageSearch.deleted]))
        try session.show(image) { ImageText.details(image, session) }
    }
}
