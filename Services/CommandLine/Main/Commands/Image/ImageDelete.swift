import CommandLineKit
import Contracts

enum ImageDelete {
    static let delete = Command<Session>(
        "delete", "Deletes an image, so that it can be restored for a while.",
        details: "Refused while a deployment uses it. Its aliases are removed.", arguments: [ImageGroup.image],
        flags: [Shared.reason.specification],
        examples: [.init("slipway image delete churn-svc:1 --reason 'a package with a hole in it'", "one version")]
    ) { values, session in
        let image = try await session.connect().images.deleteImage(
            .init(image: values[ImageGroup.image], reason: values[Shared.reason] ?? ""))
        try session.show(image) { "" }
        session.done("\(ImageText.name(image)) is deleted; `slipway image restore` takes that back for a while")
    }

    static let restore = Command<Session>(
        "restore", "Takes a deletion back, as long as the image is kept.", arguments: [ImageGroup.image],
        flags: [Shared.reason.specification],
        examples: [.init("slipway image restore churn-svc:1", "it is there again, without its aliases")]
    ) { values, session in
        let image = try await session.connect().images.restoreImage(
            .init(image: values[ImageGroup.image], reason: values[Shared.reason] ?? ""))
        try session.show(image) { "" }
        session.done("\(ImageText.name(image)) is restored")
    }
}
