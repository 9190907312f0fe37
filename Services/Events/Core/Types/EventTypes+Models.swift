extension EventTypes {
    static let models: [EventTypeDefinition] = [
        EventTypeDefinition(
            name: "model.registered", description: "A version of a model was registered.", action: "model.registered",
            subject: "models/{name}:{version}",
            fields: versionFields + [
                EventDataField("tags", .textMap, "Its tags."),
                EventDataField("properties", .textMap, "Its properties, which never change."),
            ],
            example: .init(
                subject: "models/churn:3",
                data: [
                    "name": "churn", "version": 3, "tags": ["team": "growth"],
                    "properties": ["seed": "42"],
                ])),
        EventTypeDefinition(
            name: "model.updated", description: "The description or the tags of a model changed.",
            action: "model.updated", isOf: { $0.version == nil }, subject: "models/{name}",
            fields: [nameField] + described + [
                EventDataField("previous", .object(described), .previous, optional: true, "What it was before.")
            ],
            example: .init(
                subject: "models/churn",
                data: [
                    "name": "churn", "description": "Who leaves", "tags": ["team": "growth"],
                    "previous": ["description": "", "tags": [:]],
                ])),
        EventTypeDefinition(
            name: "model.version-updated",
            description: "The description, tags, properties or metrics of a version changed.",
            action: "model.updated", isOf: { $0.version != nil }, subject: "models/{name}:{version}",
            fields: versionFields + versionState + [
                EventDataField("previous", .object(versionState), .previous, optional: true, "What it was before.")
            ],
            example: .init(
                subject: "models/churn:3",
                data: [
                    "name": "churn", "version": 3, "description": "", "tags": ["stage": "accepted"],
                    "properties": ["seed": "42"], "metrics": ["auc": 0.93],
                    "previous": [
                        "description": "", "tags": [:], "properties": ["seed": "42"], "metrics": ["auc": 0.93],
                    ],
                ])),
        EventTypeDefinition(
            name: "model.alias-set", description: "An alias points to a version, which it did not before.",
            action: "model.alias-set", subject: "models/{name}@{alias}",
            fields: aliasFields + [
                EventDataField("version", .integer, "The version that it points to."),
                EventDataField(
                    "previous_version", .integer, .before("version"), optional: true,
                    "The version that it pointed to; absent where there was none, or where it was set with a registration."
                ),
            ],
            example: .init(
                subject: "models/churn@champion",
                data: ["name": "churn", "alias": "champion", "version": 3, "previous_version": 2])),
        EventTypeDefinition(
            name: "model.alias-removed", description: "An alias points to no version any more.",
            action: "model.alias-removed", subject: "models/{name}@{alias}", fields: aliasFields,
            example: .init(subject: "models/churn@champion", data: ["name": "churn", "alias": "champion"])),
        ofVersion("deleted", "A version was deleted. It can be restored."),
        ofVersion("restored", "A version that was deleted is back."),
        ofVersion("purged", "A version is gone for good."),
        EventTypeDefinition(
            name: "model.use-reported", description: "What an image or a deployment is made of changed.",
            action: "model.use-reported", subject: "{user}",
            fields: [
                EventDataField("user", .text, .subject, "Who uses versions: `images/churn:1`."),
                EventDataField("kind", .text, "What the user is."),
                EventDataField("state", .text, "In which state it is."),
                EventDataField("versions", .texts, "The versions of models in it."),
                EventDataField("images", .texts, "The images in it."),
            ],
            example: .init(
                subject: "images/churn:1",
                data: [
                    "user": "images/churn:1", "kind": "image", "state": "ready", "versions": ["churn:3"], "images": [],
                ])),
    ]

    static let nameField = EventDataField("name", .text, .subjectName, "Its name.")
    static let versionFields = [
        nameField, EventDataField("version", .integer, .subjectVersion, "The version's number."),
    ]
    static let aliasFields = [nameField, EventDataField("alias", .text, .subjectAlias, "The alias.")]
    static let described = [
        EventDataField("description", .text, "Its description."), EventDataField("tags", .textMap, "Its tags."),
    ]
    private static let versionState =
        described + [
            EventDataField("properties", .textMap, "Its properties."),
            EventDataField("metrics", .numberMap, "Its metrics."),
        ]

    private static func ofVersion(_ verb: String, _ description: String) -> EventTypeDefinition {
        EventTypeDefinition(
            name: "model.\(verb)", description: description, action: "model.\(verb)",
            subject: "models/{name}:{version}", fields: versionFields,
            example: .init(subject: "models/churn:3", data: ["name": "churn", "version": 3]))
    }
}
