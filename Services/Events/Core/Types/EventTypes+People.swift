extension EventTypes {
    /// Who is there and who may do what. Tokens and secrets are named; what they are never leaves the house.
    static let people: [EventTypeDefinition] = [
        EventTypeDefinition(
            name: "workspace.created", description: "There is a new workspace.", action: "identity.workspace.create",
            subject: "workspaces/{workspace}",
            fields: [workspaceField, EventDataField("owner", .text, "Who owns it.")],
            example: .init(subject: "workspaces/growth", data: ["workspace": "growth", "owner": "ada"])),
        ofWorkspace("archived", "archive", "A workspace takes no changes any more."),
        ofWorkspace("restored", "restore", "A workspace that was archived is back."),
        EventTypeDefinition(
            name: "member.changed", description: "Somebody has another role in a workspace.",
            action: "identity.member.set", subject: "workspaces/{workspace}/members/{principal}",
            fields: [
                EventDataField("workspace", .text, .workspace, "The workspace's name."), principalOfSubject,
                EventDataField("role", .text, "The role."),
                EventDataField("previous_role", .text, .before("role"), optional: true, "The role before."),
            ],
            example: .init(
                subject: "workspaces/growth/members/ada",
                data: ["workspace": "growth", "principal": "ada", "role": "contributor", "previous_role": "reader"])),
        EventTypeDefinition(
            name: "token.issued", description: "Somebody may come with a new token.", action: "identity.token.issue",
            subject: "tokens/{id}",
            fields: [
                EventDataField("principal", .text, "Whose it is."),
                EventDataField("name", .text, optional: true, "What it is called."),
                EventDataField("ceiling", .text, optional: true, "The most that it allows."),
                EventDataField("expires", .time, optional: true, "Until when it counts."),
            ],
            example: .init(
                subject: "tokens/0d9c8a3e-6f0c-4f2a-9a53-1d6d4b6f1a11",
                data: [
                    "principal": "ada", "name": "laptop", "ceiling": "reader", "expires": "2026-12-31T00:00:00.000000Z",
                ])),
        EventTypeDefinition(
            name: "token.revoked", description: "A token counts no more.", action: "identity.token.revoke",
            subject: "tokens/{id}", fields: [EventDataField("principal", .text, .before("principal"), "Whose it was.")],
            example: .init(
                subject: "tokens/0d9c8a3e-6f0c-4f2a-9a53-1d6d4b6f1a11", data: ["principal": "ada"])),
        EventTypeDefinition(
            name: "principal.created", description: "Somebody new is known.", action: "identity.principal.create",
            subject: "principals/{principal}",
            fields: [principalOfSubject, EventDataField("kind", .text, "`person` or `service`.")],
            example: .init(subject: "principals/ada", data: ["principal": "ada", "kind": "person"])),
        ofPrincipal("principal.disabled", "principal.disable", "Somebody may do nothing any more."),
        ofPrincipal("principal.enabled", "principal.enable", "Somebody who was disabled is back."),
        ofPrincipal("administrator.added", "administrator.add", "Somebody administers the suite."),
        ofPrincipal("administrator.removed", "administrator.remove", "Somebody administers the suite no more."),
        EventTypeDefinition(
            name: "certificate.changed", description: "A certificate stands for somebody else.",
            action: "identity.certificate.set", subject: "certificates/{name}",
            fields: [
                EventDataField("name", .text, .subjectName, "The name in the certificate."),
                EventDataField("principal", .text, optional: true, "Whom it stands for; absent where for nobody."),
                EventDataField("previous_principal", .text, .before("principal"), optional: true, "Whom it stood for."),
            ],
            example: .init(
                subject: "certificates/build.example.org", data: ["name": "build.example.org", "principal": "builder"])),
        secret("set", "A secret has a new value.", version: .after("version")),
        secret("removed", "A secret is gone.", version: .before("version"), action: "remove"),
    ]

    private static let workspaceField = EventDataField("workspace", .text, .subjectName, "The workspace's name.")
    private static let principalOfSubject = EventDataField("principal", .text, .subjectLast, "Who it is.")

    private static func ofWorkspace(_ verb: String, _ action: String, _ description: String) -> EventTypeDefinition {
        EventTypeDefinition(
            name: "workspace.\(verb)", description: description, action: "identity.workspace.\(action)",
            subject: "workspaces/{workspace}", fields: [workspaceField],
            example: .init(subject: "workspaces/growth", data: ["workspace": "growth"]))
    }

    private static func ofPrincipal(_ name: String, _ action: String, _ description: String) -> EventTypeDefinition {
        EventTypeDefinition(
            name: name, description: description, action: "identity.\(action)", subject: "principals/{principal}",
            fields: [principalOfSubject], example: .init(subject: "principals/ada", data: ["principal": "ada"]))
    }

    private static func secret(
        _ verb: String, _ description: String, version: EventDataField.Source, action: String? = nil
    ) -> EventTypeDefinition {
        EventTypeDefinition(
            name: "secret.\(verb)", description: description, action: "secret.\(action ?? verb)",
            subject: "secrets/{name}",
            fields: [nameField, EventDataField("version", .integer, version, "Which of its values it is, by number.")],
            example: .init(subject: "secrets/registry-password", data: ["name": "registry-password", "version": 2]))
    }
}
