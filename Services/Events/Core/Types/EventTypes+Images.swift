extension EventTypes {
    static let images: [EventTypeDefinition] = [
        EventTypeDefinition(
            name: "image.built", description: "An image was built.", action: "image.built",
            subject: "images/{name}:{version}",
            fields: versionFields + [
                EventDataField("digest", .text, "The digest of its manifest."),
                EventDataField("models", .texts, "The versions of models in it."),
            ],
            example: .init(
                subject: "images/churn:1",
                data: [
                    "name": "churn", "version": 1,
                    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "models": ["churn:3"],
                ])),
        EventTypeDefinition(
            name: "image.updated", description: "The description or the tags of an image changed.",
            action: "image.updated", subject: "images/{name}:{version}",
            fields: versionFields + described + [
                EventDataField("previous", .object(described), .previous, optional: true, "What it was before.")
            ],
            example: .init(
                subject: "images/churn:1",
                data: ["name": "churn", "version": 1, "description": "For the call centre", "tags": ["team": "growth"]])
        ),
        ofImage("deleted", "An image was deleted. It can be restored."),
        ofImage("restored", "An image that was deleted is back."),
        ofImage("purged", "An image is gone for good."),
        EventTypeDefinition(
            name: "source.uploaded", description: "Files to build images from were brought.", action: "source.uploaded",
            subject: "sources/{digest}",
            fields: [
                EventDataField("digest", .text, .subjectName, "Names the files."),
                EventDataField("files", .integer, "How many they are."),
                EventDataField("size", .integer, "How many bytes they have."),
            ],
            example: .init(
                subject: "sources/sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                data: [
                    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "files": 3,
                    "size": 4096,
                ])),
        EventTypeDefinition(
            name: "image.alias-set", description: "An alias points to an image, which it did not before.",
            action: "image.alias-set", subject: "images/{name}@{alias}",
            fields: aliasFields + [
                EventDataField("version", .integer, "The version that it points to."),
                EventDataField(
                    "previous_version", .integer, .before("version"), optional: true,
                    "The version that it pointed to; absent where there was none."),
            ],
            example: .init(
                subject: "images/churn@latest",
                data: ["name": "churn", "alias": "latest", "version": 2, "previous_version": 1])),
        EventTypeDefinition(
            name: "image.alias-removed", description: "An alias points to no image any more.",
            action: "image.alias-removed", subject: "images/{name}@{alias}", fields: aliasFields,
            example: .init(subject: "images/churn@latest", data: ["name": "churn", "alias": "latest"])),
    ]

    private static func ofImage(_ verb: String, _ description: String) -> EventTypeDefinition {
        EventTypeDefinition(
            name: "image.\(verb)", description: description, action: "image.\(verb)",
            subject: "images/{name}:{version}", fields: versionFields,
            example: .init(subject: "images/churn:1", data: ["name": "churn", "version": 1]))
    }
}
